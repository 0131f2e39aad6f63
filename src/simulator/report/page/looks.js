'use strict';
// Colours, marks and dashes: the palette of Okabe and Ito, which colour-blind people can tell apart,
// and never colour alone. Everything is asked for anew when the theme changes or the page is printed.

const dark = window.matchMedia('(prefers-color-scheme: dark)');
let printing = false;

const isDark = () => dark.matches && !printing;

function theme() {
  return isDark() ?
    {ink: '#e9e7e2', soft: '#a9a69e', line: '#45443f', paper: '#1b1b1a', lines: '#33322f'} :
    {ink: '#1d1d1b', soft: '#5f5d57', line: '#c9c6be', paper: '#ffffff', lines: '#e7e4dc'};
}

// By fabric: colour in the light and in the dark, mark, dashes, and what is drawn over bars.
const FABRICS = {
  'fat-tree': ['#1d1d1b', '#e9e7e2', 'rect', [], ''],
  'oversub-fat-tree': ['#b87400', '#f0b030', 'triangle', [7, 3], '/'],
  'rail-optimized': ['#2f8fc4', '#56b4e9', 'crossRot', [2, 3], '\\'],
  'topoopt': ['#00805d', '#14b98a', 'rectRot', [10, 3, 2, 3], 'x'],
  'mixnet': ['#d55e00', '#ff8534', 'circle', [], ''],
  'ideal': ['#8b8880', '#8b8880', 'cross', [1, 3], '.'],
  'nvl72': ['#b0568a', '#d98bb8', 'star', [5, 2, 1, 2], '/'],
  'mixnet-optical-io': ['#0072b2', '#4da3dd', 'rectRounded', [12, 4], 'x'],
};

function fabricLook(name) {
  const known = Object.hasOwn(FABRICS, name) ? FABRICS[name] : FABRICS.ideal;
  const colour = known[isDark() ? 1 : 0];
  return {colour, mark: known[2], dashes: known[3], fill: pattern(colour, known[4], 0.5)};
}

const fabricOrder = (name) => Object.keys(FABRICS).indexOf(name);

// By part of an iteration: name, colours, and what is drawn over them.
const PARTS = {
  compute: ['Compute', '#7d8590', '#8d959f', ''],
  ep: ['EP all-to-all', '#d55e00', '#e8752a', ''],
  tp: ['TP', '#56b4e9', '#56b4e9', '/'],
  pp: ['PP', '#f0e442', '#f0e442', '\\'],
  dp: ['DP', '#009e73', '#12b084', ''],
  reconfiguration: ['Reconfiguration', '#cc79a7', '#d889b5', 'x'],
  bubble: ['Bubble', '#d3d0c8', '#4a4945', '.'],
  lost: ['Lost to failures', '#1d1d1b', '#e9e7e2', '/'],
};

/// A canvas pattern: `base` with lines or dots of the paper's colour over it.
function pattern(base, marks, strength = 0.75) {
  if (!marks) return base;
  const tile = document.createElement('canvas');
  tile.width = tile.height = 8;
  const pen = tile.getContext('2d');
  pen.fillStyle = base;
  pen.fillRect(0, 0, 8, 8);
  pen.strokeStyle = pen.fillStyle = isDark() ? '#1b1b1a' : '#ffffff';
  pen.globalAlpha = strength;
  pen.lineWidth = 1.4;
  pen.beginPath();
  const line = (x0, y0, x1, y1) => {
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
  };
  if (marks === '.') {
    pen.fillStyle = theme().soft;
    pen.fillRect(1, 1, 2, 2);
    pen.fillRect(5, 5, 2, 2);
  }
  if (marks === '/' || marks === 'x') [-8, 0, 8].forEach((at) => line(at, 8, at + 8, 0));
  if (marks === '\\' || marks === 'x') [-8, 0, 8].forEach((at) => line(at, 0, at + 8, 8));
  pen.stroke();
  return pen.createPattern(tile, 'repeat');
}

function partLook(part) {
  const [name, light, inDark, marks] = PARTS[part];
  const colour = isDark() ? inDark : light;
  return {name, colour, fill: pattern(colour, marks)};
}
