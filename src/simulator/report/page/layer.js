'use strict';
// A closer look at MixNet: who sends how much to whom in a region, and where circuits are.

/// White to blue in the light, black to blue in the dark; `share` from 0 to 1.
function heat(share) {
  const [from, to] = isDark() ? [[34, 34, 32], [86, 180, 233]] : [[255, 255, 255], [0, 96, 160]];
  return `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * share)).join(' ')})`;
}

/// Servers down are senders, across receivers; a ring with a number is the pair's circuits.
function heatMap(region) {
  const n = region.servers;
  const cell = 28;
  const margin = 30;
  const others = region.bytes.filter((_, i) => i % (n + 1) !== 0);
  const [least, most] = [Math.min(...others), Math.max(...others)];
  const share = (bytes) => most > least ? 0.08 + 0.92 * (bytes - least) / (most - least) : 0.5;
  const ring = isDark() ? '#ff8534' : '#d55e00';
  const marks = [];
  for (let s = 0; s < n; ++s) {
    for (let t = 0; t < n; ++t) {
      const bytes = region.bytes[s * n + t];
      const circuits = region.circuits[s * n + t];
      const [x, y] = [margin + t * cell, margin + s * cell];
      const name = s === t ? `inside server ${s}: ${size(bytes)}` : `server ${s} to server ${t}: ` +
        `${size(bytes)}, ${circuits === 0 ? 'no circuit: by packet network' : plural(circuits, 'circuit')}`;
      const parts = [drawing('title', {}, name)];
      if (s === t) {
        parts.push(drawing('rect', {x, y, width: cell - 1, height: cell - 1, fill: theme().lines}),
            drawing('path', {d: `M${x} ${y + cell - 1} l${cell - 1} ${1 - cell}`, stroke: theme().line}));
      } else {
        parts.push(drawing('rect', {x, y, width: cell - 1, height: cell - 1, fill: heat(share(bytes))}));
        if (circuits > 0) {
          const [cx, cy] = [x + (cell - 1) / 2, y + (cell - 1) / 2];
          parts.push(drawing('circle', {cx, cy, r: 9, fill: theme().paper, stroke: ring, 'stroke-width': 2.5}),
              drawing('text', {x: cx, y: cy + 4, 'text-anchor': 'middle', 'font-size': 11,
                'font-weight': 600, fill: theme().ink}, circuits));
        }
      }
      marks.push(drawing('g', {}, parts));
    }
    const text = {'font-size': 11, fill: theme().soft};
    marks.push(
        drawing('text', {...text, x: margin - 8, y: margin + s * cell + 18, 'text-anchor': 'end'}, s),
        drawing('text', {...text, x: margin + s * cell + 13.5, y: margin - 8, 'text-anchor': 'middle'}, s));
  }
  const side = margin + n * cell;
  const zoom = n <= 5 ? 2 : n <= 8 ? 1.6 : 1.25;
  const drawn = drawing('svg', {
    viewBox: `0 0 ${side} ${side}`, width: Math.min(side * zoom, 560), role: 'img',
    'aria-label': `Heat map: bytes between ${n} servers in layer ${region.layer}, and their circuits`},
  marks);
  const scale = drawing('svg', {width: 90, height: 14, 'aria-hidden': 'true'},
      Array.from({length: 9}, (_, i) => drawing('rect',
          {x: i * 10, y: 0, width: 10, height: 14, fill: heat(0.08 + 0.92 * i / 8), stroke: theme().lines})));
  const sample = drawing('svg', {width: 22, height: 22, 'aria-hidden': 'true'},
      drawing('circle', {cx: 11, cy: 11, r: 8.5, fill: theme().paper, stroke: ring, 'stroke-width': 2.5}),
      drawing('text', {x: 11, y: 15, 'text-anchor': 'middle', 'font-size': 11, fill: theme().ink}, '2'));
  return [drawn, element('ul', {class: 'legend'},
      element('li', {}, scale, `${sizes([least, most])(least)} to ${sizes([least, most])(most)}`),
      element('li', {}, sample, 'circuits of a pair, both ways'))];
}

function regionFigure(region) {
  const n = region.servers;
  let all = 0;
  let carried = 0;
  region.bytes.forEach((bytes, i) => {
    if (i % (n + 1) === 0) return;
    all += bytes;
    if (region.circuits[i] > 0) carried += bytes;
  });
  const share = all > 0 ? Math.round(100 * carried / all) : 0;
  const pairs = () => region.bytes.map((bytes, i) => [Math.floor(i / n), i % n, bytes, region.circuits[i]])
    .filter(([from, to]) => from !== to).sort((a, b) => b[2] - a[2])
    .map(([from, to, bytes, circuits]) => [`${from} to ${to}`, bytes, circuits]);
  return element('figure', {},
      element('figcaption', {}, element('h3', {},
          `Layer ${region.layer}: circuits join the pairs of ${share} % of the traffic`),
      element('p', {class: 'what'},
          `${size(all)} between ${n} servers in one dispatch; rows send, columns receive`)),
      heatMap(region),
      alternative(`Traffic and circuits, layer ${region.layer}`, [{title: 'Servers'},
        {title: 'Bytes', even: sizes}, {title: 'Circuits', even: counts}], pairs));
}

/// Whether circuits move from one layer to another.
function comparedRegions(regions) {
  if (regions.length < 2) return '';
  const [first, second] = regions;
  let moved = 0;
  first.circuits.forEach((circuits, i) => { moved += Math.abs(circuits - second.circuits[i]); });
  const all = first.circuits.reduce((sum, circuits) => sum + circuits, 0) / 2;
  return moved === 0 ?
    'In both layers the traffic differs, but the same circuits suit it.' :
    `The traffic differs from layer to layer: of ${all} circuits, ${Math.ceil(moved / 4)} end ` +
      `elsewhere in layer ${second.layer}.`;
}

function addLooks() {
  const looks = sweep.looks;
  if (looks.length === 0) return;
  const box = section('mixnet', 'MixNet from within');
  let chosen = 0;
  if (looks.length > 1) {
    box.append(element('div', {class: 'choices'}, choice('Model',
        looks.map((look, i) => [i, look.title || look.model]), 0, (picked) => {
          chosen = Number(picked);
          draw();
        })));
  }
  const inside = element('div', {id: 'look'});
  box.append(inside);
  // Its drawings are as wide as the page.
  let width = 0;
  new ResizeObserver(() => {
    if (Math.abs(inside.clientWidth - width) > 1 && !printing) draw();
  }).observe(inside);
  const draw = () => {
    width = inside.clientWidth;
    const look = looks[chosen];
    if (look.problem) {
      inside.replaceChildren(element('p', {class: 'note'},
          `Traffic and circuits of ${look.model} could not be simulated again: ${look.problem}`));
      return;
    }
    const passages = element('div', {class: 'passages'});
    inside.replaceChildren(
        element('p', {class: 'lead'}, `${look.title}, ${look.layout}, ${speed(look.gbps)} a NIC, ` +
          `${plural(look.degree, 'optical NIC')} a server: the first region in its first micro-batch. ` +
          comparedRegions(look.regions)),
        element('div', {class: 'panels'}, look.regions.map(regionFigure)), passages,
        element('details', {}, element('summary', {}, `The command of this run (point ${look.point})`),
            element('pre', {}, look.command)));
    passageFigure('Forward', look.layer, look.forward, passages);
    passageFigure('Backward', look.layer, look.backward, passages);
    if ([look.forward, look.backward].flat().some(({part}) => part === 'dark, as counted')) {
      passages.append(element('p', {class: 'note'}, '"Dark, as counted" is what of the delay no computation ' +
        'of the pass is long enough to hide, but the simulation counts as hidden all the same.'));
    }
    if (look.regions.length === 0) {
      inside.prepend(element('p', {class: 'note'}, 'Its regions are single servers, or too large to draw.'));
    }
  };
  drawers.push(draw);
}
