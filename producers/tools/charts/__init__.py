"""renderChart: a chart's configuration in the form of Chart.js, drawn with matplotlib."""
