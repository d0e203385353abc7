#include "experiments/report/page.hpp"

namespace strata::report {

// Draws into the groups "pick" of the network pictures, whose columns network_picture.cpp laid out. Without scripts the
// page shows the neuron that was drawn there.
const char* page_script() {
  return R"js(
(function () {
  "use strict";
  const pictures = JSON.parse(document.getElementById("strata-data").textContent).pictures;
  const controls = document.getElementById("pick");
  if (!controls || pictures.length === 0) return;
  const svgNS = "http://www.w3.org/2000/svg";
  const get = (id) => document.getElementById(id);
  const rule = get("pick-rule"), layer = get("pick-layer"), neuron = get("pick-neuron"), scaling = get("pick-scaling");
  const unique = (list) => list.filter((v, i) => list.indexOf(v) === i);
  const fill = (select, values, wanted) => {
    select.replaceChildren(...values.map((v) => new Option(v, v, false, String(v) === String(wanted))));
    if (values.length > 0 && select.selectedIndex < 0) select.selectedIndex = 0;
  };
  const of = (network) => pictures.find((p) => p.rule === rule.value && p.network === network);
  const shown = () => pictures.filter((p) => p.rule === rule.value);
  const element = (name, attributes, title) => {
    const e = document.createElementNS(svgNS, name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    if (title) e.appendChild(document.createElementNS(svgNS, "title")).textContent = title;
    return e;
  };

  function layers() {
    fill(layer, unique(shown().flatMap((p) => p.queries.map((q) => p.layers[q[0]]))), layer.value);
  }
  function neurons() {
    const numbers = unique(shown().flatMap((p) => p.queries.filter((q) => p.layers[q[0]] === layer.value).map((q) => q[1])));
    fill(neuron, numbers.sort((a, b) => a - b), neuron.value);
  }

  function draw() {
    for (const figure of document.querySelectorAll("[data-network]")) {
      const p = of(figure.dataset.network);
      for (const group of figure.querySelectorAll("g.pick")) {
        group.replaceChildren();
        const note = (text) => {
          const t = element("text", { x: 20, y: group.dataset.textY, class: "s" });
          t.textContent = text;
          group.appendChild(t);
        };
        if (!p) { note("not trained under this rule"); continue; }
        const snapshot = Math.min(Number(group.dataset.snapshot), p.epochs.length - 1);
        const at = p.queries.findIndex((q) => p.layers[q[0]] === layer.value && q[1] === Number(neuron.value));
        if (at < 0) { note("this neuron was not looked at here"); continue; }
        const columns = group.dataset.columns.split(" ").map((c) => c.split(",").map(Number));
        const place = (l, n) => {
          const [, rows, cols] = p.image[l];
          return [Math.floor(n / (rows * cols)), Math.floor(n / cols) % rows, n % cols];
        };
        const point = (l, n) => {
          const [x0, y0, mapX, mapY, colX, rowY] = columns[l], [map, row, col] = place(l, n);
          return [x0 + map * mapX + col * colX, y0 + map * mapY + row * rowY];
        };
        const title = (l, n) => {
          const [, rows, cols] = p.image[l], [map, row, col] = place(l, n);
          return `${p.layers[l]}:${n}` + (rows * cols > 1 ? ` (channel ${map}, row ${row}, column ${col})` : "");
        };
        const [targetLayer, targetNeuron] = p.queries[at];
        const [tx, ty] = point(targetLayer, targetNeuron);
        const sources = p[scaling.value][snapshot][at];
        const strongest = sources.length ? sources[0][2] : 1;
        for (const [l, n, score, sign] of sources) {
          const [x, y] = point(l, n), middle = (x + tx) / 2;
          group.appendChild(element("path", {
            d: `M${x} ${y} C${middle} ${y} ${middle} ${ty} ${tx} ${ty}`,
            class: sign < 0 ? "edge negative" : "edge", "stroke-width": 0.8 + 4.2 * score / strongest }));
        }
        for (const [l, n, score, sign] of sources) {
          const [x, y] = point(l, n);
          group.appendChild(element("circle", { cx: x, cy: y, r: 4.5,
            class: sign < 0 ? "source minus" : "source" }, `${title(l, n)}: ${score}`));
        }
        group.appendChild(element("circle", { cx: tx, cy: ty, r: 6, class: "picked" },
          title(targetLayer, targetNeuron)));
        note(sources.length ? sources.map(([l, n, score]) => `${p.layers[l]}:${n} ${score}`).join("  ·  ")
                            : "no sources: its activation never changes");
      }
    }
    const seeds = unique(shown().map((p) => p.seed)).join(", ");
    get("pick-says").textContent =
      `Blue: neuron ${layer.value}:${neuron.value} under ${rule.value}, seed ${seeds}.`;
  }

  rule.addEventListener("change", () => { layers(); neurons(); draw(); });
  layer.addEventListener("change", () => { neurons(); draw(); });
  neuron.addEventListener("change", draw);
  scaling.addEventListener("change", draw);
  for (const box of document.querySelectorAll("#pick-networks input")) {
    box.addEventListener("change", () => {
      for (const figure of document.querySelectorAll("[data-network]")) {
        if (figure.dataset.network === box.value) figure.hidden = !box.checked;
      }
    });
  }
  fill(rule, unique(pictures.map((p) => p.rule)), controls.dataset.rule);
  layers();
  layer.value = controls.dataset.layer;
  neurons();
  neuron.value = controls.dataset.neuron;
  controls.hidden = false;
  draw();
})();
)js";
}

}  // namespace strata::report
