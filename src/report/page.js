/* Draws the charts of a report. Each figure carries its data as JSON: an array
 * of charts, of which one is shown; the buttons change which. */
"use strict";
(function () {
  const root = document.documentElement;
  const style = (name) => getComputedStyle(root).getPropertyValue(name).trim();
  const redraws = [];

  function rows(chart) {
    const result = [];
    for (let i = 0; i < chart.count; i++)
      result.push([i * chart.step, ...chart.lines.map((line) => line.values[i])]);
    return result;
  }

  function element(name, text) {
    const made = document.createElement(name);
    if (text !== undefined) made.textContent = text;
    return made;
  }

  /* What stands above the plot: each line's name, and its value where the pointer is. */
  function legend(place, chart, x, values) {
    const at = element("span", x === null ? "" : x.toFixed(2) + " " + chart.x);
    at.className = "at";
    place.replaceChildren(at, ...chart.lines.map((line, i) => {
      const entry = element("span");
      const swatch = element("i");
      swatch.style.background = line.colour;
      entry.append(swatch, line.strong ? element("b", line.name) : line.name);
      if (values && values[i] !== null && values[i] !== undefined)
        entry.append(" " + values[i].toFixed(1) + " " + chart.y);
      return entry;
    }));
  }

  function themed() {
    return { gridLineColor: style("--line"), axisLineColor: style("--dim") };
  }

  function draw(figure, charts) {
    let chart = charts[0];
    const place = figure.querySelector(".legend");
    const options = (c) => ({
      labels: [c.x, ...c.lines.map((line) => line.name)],
      colors: c.lines.map((line) => line.colour),
      series: Object.fromEntries(c.lines.map((line) => [line.name, { strokeWidth: line.strong ? 3 : 1.6 }])),
      xlabel: c.x,
      ylabel: c.y,
      file: rows(c),
      ...themed(),
    });
    const first = options(chart);
    const plot = new Dygraph(figure.querySelector(".plot"), first.file, {
      ...first,
      file: undefined,
      includeZero: true,
      legend: "never",
      highlightCircleSize: 4,
      axes: { x: { drawGrid: false }, y: { axisLabelWidth: 54 } },
      highlightCallback: (event, x, points, row) =>
        legend(place, chart, x, chart.lines.map((line) => line.values[row])),
      unhighlightCallback: () => legend(place, chart, null, null),
    });
    const show = (c, button) => {
      chart = c;
      plot.updateOptions(options(c));
      legend(place, c, null, null);
      for (const other of button.parentNode.children) other.setAttribute("aria-pressed", String(other === button));
    };
    const buttons = charts.map((c) => {
      const button = element("button", c.name);
      button.type = "button";
      button.addEventListener("click", () => show(c, button));
      return button;
    });
    figure.querySelector(".kinds").replaceChildren(...buttons);
    show(chart, buttons[0]);
    const hint = element("p", "Drag to zoom, double-click to see all.");
    hint.className = "hint";
    figure.append(hint);
    redraws.push(() => plot.updateOptions(themed()));
  }

  for (const figure of document.querySelectorAll("figure.charts"))
    draw(figure, JSON.parse(figure.querySelector('script[type="application/json"]').textContent));

  const dark = matchMedia("(prefers-color-scheme: dark)");
  const button = document.getElementById("theme");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : dark.matches);
  const changed = () => {
    button.textContent = isDark() ? "Light" : "Dark";
    for (const redraw of redraws) redraw();
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    changed();
  });
  dark.addEventListener("change", changed);
  changed();
})();
