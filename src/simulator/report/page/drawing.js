'use strict';
// What all charts share: when they are drawn, their options, axes, names and legends.

// --- Charts and when they are drawn ---

/// What draws itself again when the slice, the theme or the medium changes.
const drawers = [];

function redraw() {
  for (const draw of drawers) draw();
}

/// A chart in a figure; `configuration` is Chart.js's. `height` in pixels.
function chart(box, height, label, configuration) {
  const canvas = element('canvas', {role: 'img', 'aria-label': label});
  const frame = element('div', {class: 'canvas'}, canvas);
  frame.style.height = height + 'px';
  box.append(frame);
  if (printing) configuration.options.devicePixelRatio = 3;
  return new Chart(canvas, configuration);
}

function clear(box) {
  for (const canvas of box.querySelectorAll('canvas')) Chart.getChart(canvas)?.destroy();
  box.replaceChildren();
}

function commonOptions() {
  const {ink, soft, paper, lines, line} = theme();
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  Chart.defaults.color = soft;
  Chart.defaults.borderColor = lines;
  return {
    animation: false,
    maintainAspectRatio: false,
    plugins: {
      legend: {display: false},
      tooltip: {backgroundColor: paper, titleColor: ink, bodyColor: ink, footerColor: ink,
        borderColor: line, borderWidth: 1, padding: 10, cornerRadius: 6, boxPadding: 4,
        titleFont: {weight: 600}, footerFont: {weight: 600}},
    },
  };
}

/// How wide the widest of `texts` is, in pixels, as names and numbers in charts are written.
function widest(texts) {
  const pen = document.createElement('canvas').getContext('2d');
  pen.font = nameFont();
  return Math.ceil(Math.max(0, ...texts.map((text) => pen.measureText(text).width)));
}

const nameFont = () => `600 12px ${getComputedStyle(document.body).fontFamily}`;

// --- Legends ---

/// A mark as charts draw it, in the middle of a sample 36 wide and 14 high.
function markSample(mark, colour, inside = colour) {
  const pen = {stroke: colour, 'stroke-width': 2, fill: 'none'};
  const solid = {fill: inside, stroke: colour, 'stroke-width': 1.5};
  const shapes = {
    rect: ['rect', {x: 14, y: 3, width: 8, height: 8, ...solid}],
    rectRounded: ['rect', {x: 14, y: 3, width: 8, height: 8, rx: 2.5, ...solid}],
    rectRot: ['path', {d: 'M18 2 L23 7 L18 12 L13 7 Z', ...solid}],
    triangle: ['path', {d: 'M18 2 L23 11 L13 11 Z', ...solid}],
    circle: ['circle', {cx: 18, cy: 7, r: 4.5, ...solid}],
    cross: ['path', {d: 'M18 2 V12 M13 7 H23', ...pen}],
    crossRot: ['path', {d: 'M14 3 L22 11 M22 3 L14 11', ...pen}],
    star: ['path', {d: 'M14 3 L22 11 M22 3 L14 11 M18 2 V12 M13 7 H23', ...pen}],
  };
  return drawing(...shapes[mark]);
}

function lineSample(colour, dashes) {
  return drawing('path', {d: 'M0 7 H36', stroke: colour, 'stroke-width': 2,
    'stroke-dasharray': dashes.join(' ') || undefined});
}

const sample = (...parts) => drawing('svg', {width: 36, height: 14, 'aria-hidden': 'true'}, parts);

/// The mark and line of a fabric.
function fabricSample(name) {
  const {colour, mark, dashes} = fabricLook(name);
  return sample(lineSample(colour, dashes), markSample(mark, colour));
}

function partSample(part) {
  const canvas = element('canvas', {width: 18, height: 14, 'aria-hidden': 'true'});
  const pen = canvas.getContext('2d');
  pen.fillStyle = partLook(part).fill;
  pen.fillRect(0, 0, 18, 14);
  return canvas;
}

function legend(names, draw, text) {
  return element('ul', {class: 'legend'},
      names.map((name) => element('li', {}, draw(name), text(name))));
}
