'use strict';
// What the page says of the study, and the order of its parts.

function addStudy() {
  // The header has said these, for all runs.
  const isSaid = (flag) => rows.length > 0 && ['model', 'gpus', 'gpu', 'tp', 'pp', 'ep', 'micro-batch-size',
    'global-batch-size', 'seq-length'].includes(flag);
  const facts = [['Points', count(sweep.points)]];
  const finished = rows.length + sweep.failures.length;
  if (finished < sweep.points) facts.push(['Not finished', `${count(sweep.points - finished)} of them`]);
  if (sweep.failures.length > 0) facts.push(['Failed', count(sweep.failures.length)]);
  for (const axis of sweep.axes) {
    if (axis.flag !== 'model' || !isSaid('model')) facts.push([title(axis.flag), axis.values.map(shown)]);
  }
  for (const [flag, value] of sweep.fixed) {
    if (!isSaid(flag)) facts.push([title(flag), shown(value)]);
  }
  // What decides every result, whether a flag set it or not.
  const names = {routing: 'Routing', policy: 'Policy of the switch', fidelity: 'Fidelity'};
  for (const [key, name] of Object.entries(names)) {
    if (rows.length > 0) facts.push([name, unique(rows.map((row) => row[key]))]);
  }
  const hasSeed = sweep.axes.some(({flag}) => flag === 'seed') || sweep.fixed.some(([flag]) => flag === 'seed');
  if (!hasSeed) facts.push(['Seed', '1']);
  facts.push(['Command', sweep.command]);
  const box = document.getElementById('study');
  box.append(element('dl', {}, facts.map(([name, value]) =>
    element('div', {}, element('dt', {}, name), element('dd', {}, [value].flat().map((one, i, all) =>
      element('span', {class: 'value'}, one, i + 1 < all.length ? ', ' : '')))))));
  if (sweep.failures.length === 0) return;
  box.append(element('details', {class: 'failed', open: sweep.failures.length <= 5},
      element('summary', {}, plural(sweep.failures.length, 'point') + ' failed'),
      plainTable('Points that failed', [{title: 'Point'}, {title: 'Error'}, {title: 'Command'}],
          sweep.failures.slice(0, 200).map(({point, error, command}) => [point, error, command]))));
}

if (sweep) {
  addStudy();
  document.getElementById('program').textContent = sweep.program || 'mixnet';
}
addFigures();
if (rows.length > 0) {
  addCharts();
  addLooks();
  addTable();
}
redraw();

dark.addEventListener('change', redraw);
const print = (is) => {
  if (printing === is) return;
  printing = is;
  document.documentElement.classList.toggle('printing', is);
  redraw();
};
window.addEventListener('beforeprint', () => print(true));
window.addEventListener('afterprint', () => print(false));
document.documentElement.dataset.ready = 'yes';
