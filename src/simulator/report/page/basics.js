'use strict';
// What every part of the page uses: the data, numbers as people read them, and elements. Texts of
// the data get into the page by textContent and setAttribute alone, so they never become markup.

const data = JSON.parse(document.getElementById('data').textContent);

// --- Elements ---

const SVG = 'http://www.w3.org/2000/svg';

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  for (const child of [children].flat(Infinity)) {
    if (child === undefined || child === null || child === false) continue;
    node.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return node;
}

function element(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

function drawing(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

let labels = 0;

/// A labelled <select>; options are [value, text].
function choice(label, options, chosen, onchange) {
  const id = 'choice-' + ++labels;
  const select = element('select', {id, onchange: () => onchange(select.value)},
      options.map(([value, text]) =>
        element('option', {value, selected: String(value) === String(chosen)}, text)));
  return element('div', {class: 'choice'}, element('label', {for: id}, label), select);
}

/// A table, first column headers of their rows. A column is {title}, of texts, or {title, even}, of
/// numbers (null: none) that `even` writes alike, standing right.
function plainTable(caption, columns, rows) {
  const formats = columns.map(({even}, i) => even ? even(rows.map((row) => row[i])) : null);
  const text = (cell, i) => !formats[i] ? cell : cell === null ? '' : formats[i](cell);
  const cells = (row) => row.map((cell, i) => i === 0 ?
    element('th', {scope: 'row'}, text(cell, i)) :
    element('td', {class: formats[i] ? 'number' : undefined}, text(cell, i)));
  return element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
      element('table', {},
          element('caption', {}, caption),
          element('thead', {}, element('tr', {}, columns.map((column) =>
            element('th', {scope: 'col', class: column.even ? 'number' : undefined},
                column.title)))),
          element('tbody', {}, rows.map((row) => element('tr', {}, cells(row))))));
}

/// What a chart shows, for those who do not see it. The table is made when it is opened.
function alternative(caption, columns, rows) {
  const details = element('details', {class: 'alternative'},
      element('summary', {}, 'The same as a table'));
  details.addEventListener('toggle', () => {
    if (details.open && details.children.length === 1) {
      details.append(plainTable(caption, columns, rows()));
    }
  });
  return details;
}

function section(id, title, ...children) {
  document.getElementById('sections').append(element('a', {href: '#' + id}, title));
  const made = element('section', {id, 'aria-labelledby': id + '-title'},
      element('h2', {id: id + '-title'}, title), children);
  document.getElementById('content').append(made);
  return made;
}

// --- Numbers ---

function digits(number, significant = 3) {
  if (number === 0) return '0';
  const places = Math.max(0, significant - 1 - Math.floor(Math.log10(Math.abs(number))));
  return number.toLocaleString('en-US',
      {maximumFractionDigits: Math.min(places, 12), useGrouping: 'min2'});
}

function scaled(number, steps, significant) {
  const [size, unit] = steps.find(([least]) => Math.abs(number) >= least * 0.9995) || steps.at(-1);
  return digits(number / size, significant) + ' ' + unit;
}

const TIMES = [[1, 's'], [1e-3, 'ms'], [1e-6, '\u00b5s'], [1e-9, 'ns']];
const SIZES = [[1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']];
const MONEY = [[1e9, 'G$'], [1e6, 'M$'], [1e3, 'k$'], [1, '$']];
const SPEEDS = [[1e3, 'Tb/s'], [1, 'Gb/s'], [1e-3, 'Mb/s']];

const time = (seconds) => seconds === 0 ? '0 s' : scaled(seconds, TIMES);
const size = (bytes) => bytes === 0 ? '0 B' : scaled(bytes, SIZES);
const money = (usd) => usd === 0 ? '0 $' : scaled(usd, MONEY);
const speed = (gbps) => gbps >= 1 && gbps < 10000 ? digits(gbps, 4) + ' Gb/s' :
  scaled(gbps, SPEEDS, 4);
const factor = Object.assign((number) => number.toFixed(2) + 'x',
    {bare: (number) => number.toFixed(2), unit: 'x'});
const count = (number) => Math.round(number).toLocaleString('en-US');

function plural(number, word) {
  return count(number) + ' ' + word + (number === 1 ? '' : 's');
}

function quantity(number, unit) {
  if (unit === 's') return time(number);
  if (unit === 'Gb/s') return speed(number);
  if (unit === 'B') return size(number);
  return digits(number, 6);
}

/// A value of an axis; null: the flag was left out.
const shown = (value) => value === null ? 'none' : value;

/// "reconfiguration-delay" as a title.
function title(flag) {
  const names = {bandwidth: 'NIC speed', gpus: 'GPUs', gpu: 'GPU', tp: 'TP', ep: 'EP', pp: 'PP',
    'ep-split': 'EP split', 'ep-nics': 'EP NICs'};
  if (Object.hasOwn(names, flag)) return names[flag];
  const text = flag.replaceAll('-', ' ');
  return text.charAt(0).toUpperCase() + text.slice(1);
}

// --- Numbers that stand beside each other: one unit, and as many decimals ---

const tenPower = (number) => Math.floor(Math.log10(number) + 1e-9);

/// How to write all of `numbers` (null: none): in the unit that suits the largest, with three digits
/// of it; with up to two more where the smallest would else read as nothing. Returns a function of a
/// number, with .unit, and .bare, which leaves that out.
function evenly(numbers, steps = [[1, '']]) {
  let [least, most] = [Infinity, 0];
  for (const number of numbers) {
    const size = Math.abs(number ?? 0);
    if (size === 0) continue;
    most = Math.max(most, size);
    least = Math.min(least, size);
  }
  const [step, unit] = steps.find(([at]) => most >= at * 0.9995) || steps.at(-1);
  const usual = most > 0 ? Math.max(0, 2 - tenPower(most * 1.0005 / step)) : 0;
  const wanted = most > 0 ? Math.min(usual + 2, -tenPower(least / step)) : 0;
  return inSteps(step, unit, Math.min(12, Math.max(usual, wanted)));
}

function inSteps(step, unit, places) {
  const bare = (number) => (number / step).toLocaleString('en-US',
      {minimumFractionDigits: places, maximumFractionDigits: places, useGrouping: 'min2'});
  const format = (number) => bare(number) + (unit ? ' ' + unit : '');
  return Object.assign(format, {bare, unit});
}

const times = (numbers) => evenly(numbers, TIMES);
const sizes = (numbers) => evenly(numbers, SIZES);
const monies = (numbers) => evenly(numbers, MONEY);
const rates = (numbers) => evenly(numbers, [[1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']]);
const plains = (numbers) => evenly(numbers);
const counts = () => count;
const factors = () => factor;
const quantities = (unit) => ({'s': times, 'B': sizes})[unit] ||
  (() => (number) => quantity(number, unit));

/// "13.0 s \u00b1 0.2"; without the interval where there is none.
const withHalf = (format, number, half) => half === null || half === undefined ? format(number) :
  `${format.bare(number)} \u00b1 ${format(half)}`;

const unique = (values) => [...new Set(values)];
const capital = (text) => text.charAt(0).toUpperCase() + text.slice(1);
