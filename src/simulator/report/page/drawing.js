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

/// Texts behind the ends of horizontal bars.
const barEnds = {
  id: 'barEnds',
  afterDatasetsDraw(drawn, _, {texts}) {
    if (!texts) return;
    const pen = drawn.ctx;
    pen.save();
    pen.fillStyle = theme().ink;
    pen.font = `600 12px ${Chart.defaults.font.family}`;
    pen.textBaseline = 'middle';
    texts.forEach((text, i) => {
      let end = 0;
      for (let d = 0; d < drawn.data.datasets.length; ++d) {
        const bar = drawn.getDatasetMeta(d).data[i];
        if (bar) end = Math.max(end, bar.x);
      }
      pen.fillText(text, end + 6, drawn.getDatasetMeta(0).data[i].y);
    });
    pen.restore();
  },
};

/// Names beside points, as far as they find a free place.
const pointNames = {
  id: 'pointNames',
  afterDatasetsDraw(drawn, _, {names}) {
    if (!names) return;
    const pen = drawn.ctx;
    const {left, right, top, bottom} = drawn.chartArea;
    pen.save();
    pen.font = `600 12px ${Chart.defaults.font.family}`;
    pen.textBaseline = 'middle';
    const marks = drawn.data.datasets.flatMap((set, d) => {
      const points = drawn.getDatasetMeta(d).data;
      if (!set.isFront) return points.map(({x, y}) => [x - 6, y - 6, x + 6, y + 6]);
      // The steps: across at the height of the point before, then down.
      return points.slice(1).flatMap(({x, y}, i) =>
        [[points[i].x, points[i].y - 2, x, points[i].y + 2], [x - 2, points[i].y, x + 2, y]]);
    });
    const taken = [];
    for (const {x, y, text} of names) {
      const at = {x: drawn.scales.x.getPixelForValue(x), y: drawn.scales.y.getPixelForValue(y)};
      const width = pen.measureText(text).width;
      const places = [[8, -14], [8, 15], [-width / 2, -19], [-8 - width, -14], [-8 - width, 15],
        [-width / 2, 19], [8, -30], [8, 31]];
      const boxes = places.map(([dx, dy]) =>
        [at.x + dx, at.y + dy - 8, at.x + dx + width, at.y + dy + 8]);
      const isFree = (box) => box[0] >= left && box[2] <= right && box[1] >= top - 12 &&
        box[3] <= bottom && ![...taken, ...marks].some((other) =>
        box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3]);
      const box = boxes.find(isFree);
      if (!box) continue;
      taken.push(box);
      pen.lineWidth = 3;
      pen.strokeStyle = theme().paper;
      pen.fillStyle = theme().ink;
      pen.strokeText(text, box[0], box[1] + 8);
      pen.fillText(text, box[0], box[1] + 8);
    }
    pen.restore();
  },
};
Chart.register(barEnds, pointNames);

/// An axis of quantities; logarithmic where they span much.
function axisOf(numbers, text, format, least = 8) {
  const positive = numbers.every((number) => number > 0);
  const isLog = positive && Math.max(...numbers) / Math.min(...numbers) >= least;
  const scale = {title: {display: true, text: text + (isLog ? ' (log scale)' : '')}};
  if (!isLog) return {...scale, beginAtZero: true, ticks: {callback: format, maxTicksLimit: 7}};
  const isRound = (value) => [1, 2, 5].includes(Math.round(value / 10 ** Math.floor(
      Math.log10(value) + 1e-9)));
  return {...scale, type: 'logarithmic', grace: '5%',
    ticks: {callback: (value) => isRound(value) ? format(value) : '', maxRotation: 0}};
}

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
