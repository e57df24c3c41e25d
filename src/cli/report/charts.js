// Draws the charts of a report in the browser, with uPlot.
"use strict";

(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const HEIGHT = 260;
  // Colours are asked for at each drawing: they change with the light.
  const colour = (name) => () =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
  const axis = (more) => ({
    stroke: colour("soft"),
    grid: { stroke: colour("line"), width: 1 },
    ...more,
  });
  const figure = (digits) => (_, value) => value == null ? "–" : value.toFixed(digits);

  const charts = [];

  function draw(id, options, columns) {
    const place = document.getElementById(id);
    if (!place) return;
    const chart = new uPlot(
      { width: place.clientWidth, height: HEIGHT, scales: { x: { time: false } }, ...options },
      columns,
      place,
    );
    charts.push(chart);
    new ResizeObserver(() => {
      if (place.clientWidth > 0) chart.setSize({ width: place.clientWidth, height: HEIGHT });
    }).observe(place);
  }

  const { iteration, copiedMiB, writtenMiBs } = data.iterations;
  draw("iterations", {
    scales: {
      x: { time: false, range: [0.4, Math.max(1, iteration.length) + 0.6] },
      y: { range: (_, __, max) => [0, (max || 1) * 1.1] },
      rate: { range: (_, __, max) => [0, (max || 1) * 1.1] },
    },
    axes: [
      axis({ values: (_, ticks) => ticks.map((one) => Number.isInteger(one) ? one : "") }),
      axis({ label: "MiB copied", labelGap: 2, size: 56 }),
      axis({ label: "MiB/s written", scale: "rate", side: 1, size: 56, grid: { show: false } }),
    ],
    series: [
      { label: "iteration" },
      {
        label: "copied, MiB",
        fill: colour("source"),
        stroke: colour("source"),
        paths: uPlot.paths.bars({ size: [0.6, 80] }),
        points: { show: false },
        value: figure(1),
      },
      {
        label: "written, MiB/s",
        scale: "rate",
        stroke: colour("destination"),
        width: 2,
        points: { show: true, size: 7, fill: colour("panel") },
        value: figure(2),
      },
    ],
  }, [iteration, copiedMiB, writtenMiBs]);

  const { seconds, rateMiBs } = data.transfer;
  draw("transfer", {
    scales: { x: { time: false }, y: { range: (_, __, max) => [0, (max || 1) * 1.1] } },
    axes: [
      axis({ label: "seconds since the begin", labelGap: 2, size: 44 }),
      axis({ label: "MiB/s", labelGap: 2, size: 56 }),
    ],
    series: [
      { label: "at, s", value: figure(1) },
      {
        label: "MiB/s",
        stroke: colour("source"),
        width: 2,
        paths: uPlot.paths.stepped({ align: -1 }),
        points: { show: false },
        value: figure(1),
      },
    ],
  }, [seconds, rateMiBs]);

  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    for (const chart of charts) chart.redraw(false, true);
  });
  document.documentElement.dataset.drawn = String(charts.length);
})();
