// The evidence as a graph that grows hop by hop: the topic first, then what each hop reached.

import cytoscape from "../vendor/cytoscape.min.mjs";

const FEW = 12; // nodes in a column
const NAMED = 60; // nodes that are drawn with their names in them
const STEP_MS = 750;
const ROW = 58;
const still = matchMedia("(prefers-reduced-motion: reduce)");
const ruler = document.createElement("canvas").getContext("2d");
let drawn = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

/** Draw the evidence of an answer in its place; forget the one before. */
export function drawEvidence(place) {
  drawn?.destroy();
  drawn = null;
  if (!place) return;
  const began = performance.now();
  const { nodes, edges, hops } = JSON.parse(place.dataset.graph);
  const isSmall = nodes.length <= NAMED;
  const isNarrow = place.clientWidth < 520;
  const isColumns = byLayer(nodes).every((layer) => layer.length <= FEW);
  const positions = isColumns ? columns(nodes, edges, place) : rings(nodes, edges, isSmall, isNarrow);
  place.style.height = `${heightFor(positions, place.clientWidth)}px`;
  const cy = cytoscape({
    container: place,
    elements: elementsOf(nodes, edges, positions, isColumns),
    layout: { name: "preset", padding: 22 },
    style: styleOf(isSmall, isColumns),
    minZoom: 0.05,
    maxZoom: 1.25,
    autoungrabify: true,
    userZoomingEnabled: false,
    userPanningEnabled: !isSmall,
    boxSelectionEnabled: false,
    textureOnViewport: !isSmall,
  });
  drawn = cy;
  place.cy = cy; // for tests and for the curious
  cy.one("render", () => (place.dataset.drawMs = (performance.now() - began).toFixed(1)));
  if (!isSmall) zoomsWithKeys(cy);
  steps(place, cy, hops, isSmall);
}

function elementsOf(nodes, edges, positions, isColumns) {
  const said = new Set();
  const once = ({ hop, relation, subject, object }) => {
    const names = [`${hop} ${relation} ${subject}`, `${hop} ${relation} ${object}`];
    const isNew = isColumns && !names.some((name) => said.has(name));
    for (const name of names) said.add(name);
    return isNew ? relation : "";
  };
  const shown = nodes.map((node) => ({
    group: "nodes",
    data: { id: node.label, label: clipped(node.label), width: widthOf(clipped(node.label)), hop: node.hop },
    position: positions.get(node),
    classes: node.hop === 0 ? "topic" : node.answer ? "answer" : "",
  }));
  const lines = edges.map((edge, at) => ({
    group: "edges",
    data: { id: `fact-${at}`, source: edge.subject, target: edge.object, label: once(edge), hop: edge.hop, weight: edge.weight },
    classes: `hop-${Math.min(edge.hop, 4)}`,
  }));
  return [...shown, ...lines];
}

const clipped = (label) => (label.length > 26 ? `${label.slice(0, 25)}…` : label);

const widths = new Map();

function widthOf(label) {
  if (!widths.has(label)) {
    ruler.font = "500 14px Inter, sans-serif";
    widths.set(label, Math.ceil(ruler.measureText(label).width) + 28);
  }
  return widths.get(label);
}

/** How high a place must be to show it all in its width. */
function heightFor(positions, width) {
  const [xs, ys] = ["x", "y"].map((axis) => [...positions.values()].map((position) => position[axis]));
  const wide = Math.max(...[...positions.keys()].map((node) => widthOf(clipped(node.label))));
  const across = Math.max(...xs) - Math.min(...xs) + wide + 44;
  const down = Math.max(...ys) - Math.min(...ys) + 40 + 44;
  return Math.round(Math.min(Math.max(down * Math.min(1.1, width / across) + 16, 130), 540));
}

const byLayer = (nodes) => {
  const layers = [];
  for (const node of nodes) (layers[node.layer] ??= []).push(node);
  return layers.map((layer) => layer ?? []);
};

/** Columns, one a layer, from left to right; on a narrow page from top to bottom where that is easier to read. */
function columns(nodes, edges, place) {
  const layers = byLayer(nodes);
  const wide = layers.map((layer) => Math.max(0, ...layer.map((node) => widthOf(clipped(node.label)))));
  const said = Math.max(...edges.map((edge) => widthOf(edge.relation))) - 20;
  const isNarrow = place.clientWidth < 520;
  const total = wide.reduce((sum, width) => sum + width, 0);
  const room = (place.clientWidth - total - 44) / Math.max(layers.length - 1, 1);
  const most = Math.max(...layers.map((layer) => layer.length));
  if (isNarrow && most <= 2 && room < said) return stacked(layers);
  const gap = Math.max(room, isNarrow ? said + 14 : said + 44);
  const positions = new Map();
  let x = 0;
  layers.forEach((layer, at) => {
    x += at ? wide[at - 1] / 2 + gap + wide[at] / 2 : 0;
    layer.forEach((node, row) => positions.set(node, { x, y: (row - (layer.length - 1) / 2) * ROW }));
  });
  return positions;
}

function stacked(layers) {
  const positions = new Map();
  layers.forEach((layer, at) => layer.forEach((node, row) => positions.set(node, { x: (row - (layer.length - 1) / 2) * 180, y: at * 86 })));
  return positions;
}

/** Rings around the topic, one a layer, each node near what led to it; crowded rings go in and out. */
function rings(nodes, edges, isNamed, isNarrow) {
  const angles = new Map();
  const positions = new Map();
  const neighbours = new Map(nodes.map((node) => [node.label, []]));
  for (const { subject, object } of edges) {
    neighbours.get(subject).push(object);
    neighbours.get(object).push(subject);
  }
  const [size, apart, wide] = isNamed ? [50, 46, isNarrow ? 0.9 : 1.7] : [17, 34, isNarrow ? 0.9 : 1.25];
  let radius = 0;
  byLayer(nodes).forEach((layer, number) => {
    const from = (node) => neighbours.get(node.label).map((other) => angles.get(other)).find((angle) => angle !== undefined) ?? 0;
    const ring = layer.map((node) => [from(node), node]).sort(([one], [other]) => one - other);
    if (number || ring.length > 1) radius = Math.max(radius + 130, (ring.length * size) / (2 * Math.PI));
    ring.forEach(([, node], at) => {
      const angle = (2 * Math.PI * (at + 0.5)) / ring.length;
      const out = radius && ring.length > 12 ? radius + (at % (isNamed ? 2 : 3)) * apart : radius;
      angles.set(node.label, angle);
      positions.set(node, { x: wide * out * Math.cos(angle - Math.PI / 2), y: out * Math.sin(angle - Math.PI / 2) });
    });
    if (ring.length > 12) radius += isNamed ? apart : 2 * apart;
  });
  return positions;
}

function styleOf(isSmall, isColumns) {
  const ink = colour("ink");
  const font = { "font-family": "Inter, sans-serif", color: ink };
  const pill = {
    shape: "round-rectangle", width: "data(width)", height: 34, "corner-radius": 17,
    "background-color": colour("surface"), "border-width": 1.5, "border-color": colour("line-2"),
    label: "data(label)", "font-size": 14, "font-weight": 500, "text-valign": "center", "text-halign": "center", ...font,
  };
  const dot = {
    width: 14, height: 14, "background-color": colour("line-2"), label: "data(label)", "font-size": 13,
    "text-valign": "bottom", "text-margin-y": 3, "min-zoomed-font-size": 9, ...font,
  };
  const said = {
    label: "data(label)", "font-size": 12.5, "font-weight": 500, "font-family": "Inter, sans-serif", "min-zoomed-font-size": 7,
    "text-background-color": colour("paper"), "text-background-opacity": 1, "text-background-padding": 3,
  };
  const edges = [1, 2, 3, 4].map((hop) => ({
    selector: `edge.hop-${hop}`,
    style: { "line-color": colour(`hop-${hop}`), "target-arrow-color": colour(`hop-${hop}`), color: colour(`hop-${hop}`) },
  }));
  return [
    { selector: "node", style: isSmall ? pill : dot },
    { selector: "node.topic", style: isSmall ? { "background-color": ink, "border-color": ink, color: colour("paper") } : { "background-color": ink, width: 26, height: 26 } },
    { selector: "node.answer", style: isSmall ? { "background-color": colour("accent"), "border-color": colour("accent"), color: colour("on-accent") } : { "background-color": colour("accent"), width: 18, height: 18 } },
    {
      selector: "edge",
      style: {
        width: isColumns ? 2 : 1.2, "curve-style": isColumns ? "bezier" : "haystack", "target-arrow-shape": isColumns ? "triangle" : "none",
        "arrow-scale": 1.1, ...(isColumns && said),
      },
    },
    ...edges,
    { selector: ".later", style: { opacity: 0 } },
  ];
}

/** Show as many hops as are asked for; play them when it is drawn, where there is something to see grow. */
function steps(place, cy, hops, plays) {
  const panel = place.closest(".graph-panel");
  const buttons = [...panel.querySelectorAll("[data-hop]")];
  let playing = 0;
  const reveal = (until) => {
    cy.batch(() => {
      cy.elements(`.later[hop <= ${until}]`).removeClass("later");
      cy.elements(`[hop > ${until}]`).addClass("later");
    });
    place.dataset.shownHops = String(until);
    for (const button of buttons) button.setAttribute("aria-pressed", String(Number(button.dataset.hop) <= until));
  };
  const play = () => {
    clearTimeout(playing);
    const next = (hop) => {
      reveal(hop);
      if (hop < hops) playing = setTimeout(next, STEP_MS, hop + 1);
    };
    next(0);
  };
  for (const button of buttons) {
    button.onclick = () => {
      clearTimeout(playing);
      reveal(Number(button.dataset.hop));
    };
  }
  panel.querySelector("[data-play]").onclick = play;
  cy.on("destroy", () => clearTimeout(playing));
  if (plays && !still.matches) play();
  else reveal(hops);
}

/** Large graphs may be looked at closely, without taking the page's scrolling away. */
function zoomsWithKeys(cy) {
  const place = cy.container();
  place.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    cy.zoom({ level: cy.zoom() * (event.deltaY < 0 ? 1.15 : 0.87), renderedPosition: { x: event.offsetX, y: event.offsetY } });
  }, { passive: false });
}

const again = () => drawn && drawEvidence(drawn.container());
let resizing = 0;

document.addEventListener("themechange", again);
addEventListener("resize", () => {
  clearTimeout(resizing);
  resizing = setTimeout(again, 150);
});
