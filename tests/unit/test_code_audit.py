"""Calls that make or save images without telling are named; those that tell are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from operations.code_audit import scan
from operations.code_audit.names import Names, load_names
from tests.support.running import Shell

PYTHON = """
import openai

def untracked(client):
    answer = client.images.generate(prompt="a cat")        # found
    open("cat.png", "wb").write(answer)                    # found
    open("notes.txt", "w").write("x")

@tracker.track("generateUserImage")
def tracked(prompt):
    return client.images.generate(prompt=prompt)

def within(tracker):
    with tracker.track("a", "b", "c") as call:
        call.save(client.images.generate(prompt="x"))
    Path("out.jpg").write_bytes(b"")                       # found

async def publishes(publisher):
    image = client.images.edit(image=b"")
    publisher.publish(image)

def looked_at(client):
    # omega: untracked-ok  a test of the model, nobody sees it
    return client.images.generate(prompt="x")

def gemini(client):
    client.models.generate_content(contents="text only")
    client.models.generate_content(config={"response_modalities": ["IMAGE"]})  # found

def bypass(connection):
    connection.execute("INSERT INTO generated_images (user_id) VALUES (1)")    # found
"""

MODELS = """
MODEL = "gemini-3-pro-image-preview"

def gemini_by_its_model(client):
    client.models.generate_content(model="gemini-2.5-flash", contents="text only")
    client.models.generate_content(model="gemini-3-pro-image-preview")         # found
    client.models.generate_content(model=MODEL)                                # found
    httpx.post("https://api.openai.com/v1/images/generations", json={})        # found
    s3.put_object(Bucket="b", Key=f"{name}.png", Body=data)                    # found
    s3.put_object(Bucket="b", Key="log.txt", Body=data)
"""

TYPESCRIPT = """
import { saveGeneratedImage } from '@repo/database';

export async function generateUserImage(prompt: string): Promise<string> {
  const image = await openai.images.generate({ prompt });
  await saveGeneratedImage({ prompt, toolName: 'generateUserImage' });
  return image.url;
}

export const forgetful = async (prompt: string) => {
  const image = await openai.images.generate({ prompt }); // found
  fs.writeFileSync(`out/${prompt}.png`, image); // found
  fs.writeFileSync('log.txt', 'x');
};

const model = genAI.getGenerativeModel({ model: 'gemini-3-pro-image-preview' });

async function byItsModel(prompt: string) {
  await model.generateContent(prompt); // found
  await ai.models.generateContent({ model: 'gemini-2.5-flash', contents: prompt });
  await s3.send(new PutObjectCommand({ Key: 'a.webp', Body: data })); // found
  await octokit.repos.createOrUpdateFileContents({ path: `file-library/${name}.png` }); // found
}

class Tool {
  async run() {
    await uploadToGitHub(this.data, 'x'); // found
    await prisma.generatedImage.create({ data: {} }); // found
  }
  async told() {
    const image = await this.client?.images.generate({});
    await producer.send({ topic: 'omega-image-events', messages: [] });
  }
}
"""


def expected(source: str) -> list[int]:
    lines = source.splitlines()
    return [number for number, line in enumerate(lines, 1) if line.rstrip().endswith("found")]


@pytest.mark.parametrize(
    ("name", "source"), [("a.py", PYTHON), ("c.py", MODELS), ("b.ts", TYPESCRIPT)]
)
def test_what_does_not_tell_is_named(tmp_path: Path, name: str, source: str) -> None:
    (tmp_path / name).write_text(source)
    read, found = scan(tmp_path, Names())
    assert read == 1
    assert [one.line for one in found] == expected(source)
    assert {one.file for one in found} == {name}
    assert all(one.reason and one.do for one in found)


def test_trees_are_walked_but_for_what_others_wrote(tmp_path: Path) -> None:
    for folder in ("tools", "node_modules/x", ".venv/lib", "tools/deep"):
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "bad.py").write_text("client.images.generate()")
    (tmp_path / "tools" / "types.d.ts").write_text("declare const x: number;")
    (tmp_path / "tools" / "view.tsx").write_text("export const A = () => <img src='x.png' />;")
    read, found = scan(tmp_path, Names())
    assert read == 3
    assert sorted(one.file for one in found) == ["tools/bad.py", "tools/deep/bad.py"]


def test_what_cannot_be_parsed_is_said(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def broken(:\n")
    (tmp_path / "b.ts").write_text("const x = = 1;\n")
    _, found = scan(tmp_path, Names())
    assert [(one.file, one.reason) for one in found] == [
        ("a.py", "cannot be parsed"),
        ("b.ts", "cannot be parsed"),
    ]


@pytest.mark.parametrize("name", ["a.py", "b.ts"])
def test_calls_of_a_model_that_writes_are_none(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("model.generateContent(prompt)\nclient.generate_content(MODEL)\n")
    assert scan(tmp_path, Names())[1] == []


def test_more_names_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("paint('x')\nstudio.paint('y')\n")
    more = tmp_path / "names.toml"
    more.write_text('makes = ["studio.paint"]\n')
    _, found = scan(tmp_path, load_names(more))
    assert [one.line for one in found] == [2]
    more.write_text('paints = ["x"]\n')
    with pytest.raises(ValueError, match="paints is none of makes"):
        load_names(more)


def test_the_command_says_so_with_its_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell(capsys)
    (tmp_path / "good.py").write_text("print('hello')\n")
    assert shell("audit", "--code", str(tmp_path)).code == 0
    (tmp_path / "bad.py").write_text("client.images.generate()\n")
    ran = shell("audit", "--code", str(tmp_path), "--json")
    assert ran.code == 1
    assert [(one["file"], one["line"]) for one in ran.facts["findings"]] == [("bad.py", 1)]
    assert "bad.py:1" in shell("audit", "--code", str(tmp_path)).out
    assert "is not there" in shell.fails("audit", "--code", str(tmp_path / "absent"))[1]
