'use strict';
// Figures of the paper, done again: the verdicts on its claims, and charts of ours beside theirs.

const VERDICTS = {yes: '\u2713 yes', partly: '\u25d0 partly', no: '\u2717 no'};
const PALETTE = [['#0072b2', '#4da3dd'], ['#d55e00', '#ff8534'], ['#00805d', '#14b98a'],
  ['#b87400', '#f0b030'], ['#b0568a', '#d98bb8'], ['#2f8fc4', '#56b4e9'], ['#1d1d1b', '#e9e7e2']];
const SHAPES = ['circle', 'triangle', 'rect', 'rectRot', 'star', 'crossRot', 'rectRounded'];

function seriesLook(name, names) {
  if (Object.hasOwn(FABRICS, name)) return fabricLook(name);
  const i = names.indexOf(name) % PALETTE.length;
  return {colour: PALETTE[i][isDark() ? 1 : 0], mark: SHAPES[i]};
}

const ORIGINS = {ours: '', packets: ', in packets', published: ', published'};
const seriesName = ({name, origin}) =>
  name === 'published' && origin === 'published' ? name : name + ORIGINS[origin];

function inUnit(number, unit) {
  if (['s', 'Gb/s', 'B'].includes(unit)) return quantity(number, unit);
  if (unit === '$' || unit === 'USD') return money(number);
  return digits(number) + (unit ? ' ' + unit : '');
}

/// Ticks, or numbers of one column, in one unit and with as many decimals.
const STEPS = {'s': TIMES, 'B': SIZES, '$': MONEY, 'USD': MONEY};
const stepsOf = (unit) => STEPS[unit] || [[1, unit || '']];
const evenIn = (unit) => (numbers) => unit === 'Gb/s' ? speed : evenly(numbers, stepsOf(unit));

/// The place of a point: a number, or that of a category.
const across = (figure, {x}) => figure.x.categories.length > 0 ? figure.x.categories.indexOf(x) : x;
const placeName = (figure, {x}) => figure.x.categories.length > 0 ? x : inUnit(x, figure.x.unit);

function figureAxis(axis, values, isFromZero) {
  const texts = (ticks) => axis.unit === 'Gb/s' ? speed : tickTexts(ticks, stepsOf(axis.unit));
  if (axis.logarithmic && values.length > 0 && Math.min(...values) > 0) {
    return axisOf(values, axis.label, texts, {least: 1});
  }
  if (isFromZero && values.length > 0 && Math.min(...values) >= 0) {
    return axisOf(values, axis.label, texts, {least: Infinity});
  }
  // Chart.js's own ticks, which go as far as the values.
  return {title: {display: true, text: axis.label}, ticks: {maxTicksLimit: 7, maxRotation: 0,
    callback: (value, _, ticks) => texts(ticks.map((tick) => tick.value))(value)}};
}

/// The x axis: categories, or marks at the points of lines, where they are few.
function acrossAxis(figure, places) {
  const {x} = figure;
  if (x.categories.length > 0) {
    return {title: {display: true, text: x.label}, min: -0.5, max: x.categories.length - 0.5,
      grid: {display: false},
      afterBuildTicks: (made) => { made.ticks = x.categories.map((_, value) => ({value})); },
      ticks: {callback: (value) => x.categories[value] ?? '', color: theme().ink, autoSkip: false,
        maxRotation: 40}};
  }
  const made = figureAxis(x, places);
  if (figure.kind !== 'line' || places.length > 12) return made;
  return {...made, afterBuildTicks: (axis) => { axis.ticks = places.map((value) => ({value})); },
    ticks: {callback: (value) => inUnit(value, x.unit), maxRotation: 0, autoSkipPadding: 8}};
}

function barSet(figure, one, colour) {
  const values = figure.x.categories.map((category) =>
    (one.points.find(({x}) => x === category) || {}).y ?? null);
  const marks = {ours: '', packets: 'x', published: '/'}[one.origin];
  return {data: values, borderWidth: 1, backgroundColor: pattern(colour, marks, 0.85)};
}

/// On how many other series each lies (levelsOf), as shares of all values.
function figureLevels(figure, series) {
  const share = (values, isLog) => {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    if (high === low) return () => 0.5;
    return isLog && low > 0 ? (value) => Math.log(value / low) / Math.log(high / low) :
      (value) => (value - low) / (high - low);
  };
  const all = series.flatMap(({points}) => points);
  const [x, y] = [share(all.map((point) => across(figure, point)), figure.x.logarithmic),
    share(all.map((point) => point.y), figure.y.logarithmic)];
  return levelsOf(series.map(({points}) => points.map((point) => [x(across(figure, point)), y(point.y)])));
}

function pointSet(figure, one, {colour, mark}, level) {
  const isPublished = one.origin === 'published';
  const isCheck = one.origin === 'packets';
  return {data: one.points.map((point) => ({x: across(figure, point), y: point.y, point})),
    showLine: figure.kind === 'line' && !isCheck, borderDash: isPublished ? [6, 4] : [],
    borderWidth: 2 + 3 * level, pointStyle: isCheck ? 'crossRot' : mark,
    pointRadius: (isCheck ? 7 : 4) + 3 * level,
    pointBorderWidth: 2, backgroundColor: isPublished ? theme().paper : colour};
}

function panelConfiguration(figure, {series}) {
  const names = unique(series.map(({name}) => name));
  const isBar = figure.kind === 'bar' && figure.x.categories.length > 0;
  const points = series.flatMap((one) => one.points);
  const places = unique(points.map((point) => across(figure, point))).sort((a, b) => a - b);
  const options = commonOptions();
  options.scales = {
    x: isBar ? {title: {display: true, text: figure.x.label}, grid: {display: false},
      ticks: {color: theme().ink, maxRotation: 40}} : acrossAxis(figure, places),
    y: figureAxis(figure.y, points.map(({y}) => y), figure.kind === 'bar'),
  };
  options.interaction = {mode: 'nearest', axis: 'xy', intersect: false};
  options.plugins.tooltip.callbacks = {
    title: ([item]) => isBar ? figure.x.categories[item.dataIndex] :
      [placeName(figure, item.raw.point), item.raw.point.label].filter(Boolean).join(', '),
    label: (item) => ` ${item.dataset.label}: ${inUnit(isBar ? item.raw : item.raw.y, figure.y.unit)}`,
  };
  const levels = isBar ? [] : figureLevels(figure, series);
  const datasets = series.map((one, i) => {
    const look = seriesLook(one.name, names);
    return {label: seriesName(one), borderColor: look.colour,
      ...(isBar ? barSet(figure, one, look.colour) : pointSet(figure, one, look, levels[i]))};
  });
  return {type: isBar ? 'bar' : 'scatter', options,
    data: {labels: isBar ? figure.x.categories : undefined, datasets}};
}

function seriesSample({name, origin}, names) {
  const {colour, mark} = seriesLook(name, names);
  if (origin === 'packets') return sample(markSample('crossRot', colour));
  const isPublished = origin === 'published';
  return sample(lineSample(colour, isPublished ? [6, 4] : []),
      markSample(mark, colour, isPublished ? theme().paper : colour));
}

function drawPanel(box, figure, panel) {
  clear(box);
  const {series} = panel;
  const name = panel.title || figure.title;
  const names = unique(series.map((one) => one.name));
  box.append(element('figcaption', {}, element('h4', {}, name)),
      element('ul', {class: 'legend'}, series.map((one) =>
        element('li', {}, seriesSample(one, names), seriesName(one)))));
  chart(box, 280, `${capital(figure.kind)} chart: ${name}. ${capital(figure.y.label)} over ` +
    `${figure.x.label}: ${series.map(seriesName).join(', ')}`, panelConfiguration(figure, panel));
  box.append(alternative(name, [{title: 'Series'},
    {title: figure.x.label, even: figure.x.categories.length === 0 && evenIn(figure.x.unit)},
    {title: figure.y.label, even: evenIn(figure.y.unit)}, {title: ''}],
  () => series.flatMap((one) => one.points.map((point) =>
    [seriesName(one), point.x, point.y, point.label || '']))));
}

function verdictTable(figures) {
  const all = figures.flatMap((figure) => figure.verdicts.map((verdict) => ({figure, ...verdict})));
  const only = {holds: ''};
  const body = element('tbody');
  const update = () => body.replaceChildren(...all.filter(({holds}) => !only.holds || holds === only.holds)
    .map(({figure, claim, published, ours, holds, note}) => element('tr', {},
        element('th', {scope: 'row'}, element('a', {href: '#figure-' + figure.name}, figure.name)),
        element('td', {class: 'wide'}, claim), element('td', {}, published), element('td', {}, ours),
        element('td', {class: 'verdict ' + holds}, VERDICTS[holds]), element('td', {class: 'wide'}, note))));
  update();
  return [
    element('div', {class: 'choices'}, choice('Holds', [['', 'all'], ...Object.entries(VERDICTS)], '',
        (picked) => { only.holds = picked; update(); })),
    element('div', {class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Claims'},
        element('table', {id: 'claims-table'}, element('thead', {}, element('tr', {},
            ['Figure', 'Claim', 'Published', 'Ours', 'Holds', 'Note'].map((name) =>
              element('th', {scope: 'col'}, name)))), body))];
}

function addFigures() {
  const figures = data.figures || [];
  if (figures.length === 0) return;
  section('claims', 'What the paper claims, and what holds here', verdictTable(figures));
  const checks = figures.flatMap((figure) => figure.checks.map((check) => [check.what,
    inUnit(check.fluid, check.unit), inUnit(check.packets, check.unit),
    ((check.packets / check.fluid - 1) * 100).toFixed(2) + ' %']));
  if (checks.length > 0) {
    // Of different things, each with its unit.
    const asIs = () => (text) => text;
    section('checks', 'The fluid against packets', plainTable('Spot checks: the same in packets',
        [{title: 'What'}, {title: 'Fluid', even: asIs}, {title: 'Packets', even: asIs},
          {title: 'Difference', even: asIs}], checks));
  }
  const box = section('figures', 'The figures, done again');
  for (const figure of figures) {
    const panels = element('div', {class: 'panels'}, figure.panels.map((panel) => {
      const frame = element('figure');
      drawers.push(() => drawPanel(frame, figure, panel));
      return frame;
    }));
    box.append(element('article', {id: 'figure-' + figure.name}, element('h3', {}, figure.title),
        element('p', {class: 'lead'}, `${figure.question} (${figure.source}; ${figure.settings})`),
        panels));
  }
}
