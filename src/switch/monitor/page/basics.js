'use strict';
// What every part of the page uses: elements, numbers as people read them, colours of tenants. Texts
// get into the page by text nodes and setAttribute alone, so they never become markup.

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

function place(id) {
  return document.getElementById(id);
}

function plainTable(caption, heads, rows) {
  const number = (i) => heads[i].number ? 'number' : undefined;
  return element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption},
      element('table', {},
          element('caption', {}, caption),
          element('thead', {}, element('tr', {},
              heads.map((head, i) => element('th', {scope: 'col', class: number(i)}, head.title)))),
          element('tbody', {}, rows.map((row) => element('tr', {}, row.map((cell, i) => i === 0 ?
            element('th', {scope: 'row', class: number(i)}, cell) :
            element('td', {class: number(i)}, cell)))))));
}

// --- Numbers ---

/// Three digits and a unit; units are [factor, name], the largest first.
function withUnit(value, units) {
  const [factor, name] = units.find(([least]) => value >= least) || units[units.length - 1];
  const number = value / factor;
  return `${number.toFixed(number >= 100 || number === 0 ? 0 : number >= 10 ? 1 : 2)} ${name}`;
}

function bytesText(bytes) {
  return withUnit(bytes, [[1e15, 'PB'], [1e12, 'TB'], [1e9, 'GB'], [1e6, 'MB'], [1e3, 'kB'], [1, 'B']]);
}

function secondsText(seconds) {
  return withUnit(seconds, [[1, 's'], [1e-3, 'ms'], [1e-6, 'µs']]);
}

function countText(number) {
  return number.toLocaleString('en');
}

function clockText(ms) {
  return new Date(ms).toLocaleTimeString('en-GB');
}

function plural(number, one, many) {
  return `${countText(number)} ${number === 1 ? one : many}`;
}

// --- Tenants' colours: each keeps its own while it is there ---

const TONES = 12;
const toneOf = new Map();

function keepTones(tenants) {
  for (const tenant of [...toneOf.keys()]) {
    if (!tenants.includes(tenant)) toneOf.delete(tenant);
  }
  for (const tenant of tenants) {
    if (toneOf.has(tenant)) continue;
    const taken = new Set(toneOf.values());
    let free = 0;
    while (free < TONES - 1 && taken.has(free)) ++free;
    toneOf.set(tenant, free);
  }
}

function toneClass(tenant) {
  return toneOf.has(tenant) ? `tone${toneOf.get(tenant)}` : 'tone-none';
}
