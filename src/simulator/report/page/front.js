'use strict';
// The Pareto front: what takes least time at its cost.

/// Points that no other beats in both, each place once; by rising cost.
function frontOf(points) {
  const sorted = [...points].sort((a, b) => a.cost - b.cost || a.seconds - b.seconds);
  let least = Infinity;
  return sorted.filter((row) => {
    const isBetter = row.seconds < least;
    least = Math.min(least, row.seconds);
    return isBetter;
  });
}

/// The names of `here`, points that touch: "fat-tree, rail-optimized 400 Gb/s".
function placeNames(here) {
  return unique(here.map(({gbps}) => gbps)).map((gbps) =>
    here.filter((one) => one.gbps === gbps).map(({fabric}) => fabric).join(', ') + ' ' + speed(gbps))
    .join(', ');
}

const isSamePlace = (a, b) => a.cost === b.cost && a.seconds === b.seconds;

function drawFront(box) {
  clear(box);
  const points = sliceRows().filter((row) => row.cost !== null);
  if (points.length === 0) return;
  const front = frontOf(points);
  const isFirst = (row) => front.some((one) => isSamePlace(one, row));
  const share = (row) => [shareOn(options.scales.x, row.cost), shareOn(options.scales.y, row.seconds)];
  const all = [...points].sort(byFabric);
  const namesAt = (row) => placeNames(all.filter((one) => isTouching(share(one), share(row))));
  const name = (row) => `${row.fabric} ${speed(row.gbps)}`;
  const second = times(points.map((row) => row.seconds));
  const usd = monies(points.map((row) => row.cost));
  const wanted = box.clientWidth < 560 ? 4 : 7;
  const options = commonOptions();
  options.scales = {
    x: axisOf(points.map((row) => row.cost), 'cost of the cluster', tickMonies, {wanted, fromZero: false}),
    y: axisOf(points.flatMap((row) => ends(row.seconds, halfOf(row, 'seconds'))),
        'time of an iteration', tickTimes, {least: 20, fromZero: false}),
  };
  options.interaction = {mode: 'nearest', intersect: true};
  options.layout = {padding: {right: 24, top: 8}};
  options.plugins.pointNames = {
    names: front.filter((row, i) => !front.slice(0, i).some((one) => isTouching(share(one), share(row))))
      .map((row) => ({x: row.cost, y: row.seconds, text: namesAt(row)}))};
  options.plugins.tooltip.filter = (item) => !item.dataset.isFront;
  options.plugins.tooltip.callbacks = {
    title: (items) => items.map((item) => name(item.raw.row)).join(', '),
    label: ({raw: {row}}) => [`Iteration: ${withHalf(second, row.seconds, halfOf(row, 'seconds'))}`,
      `Cluster: ${usd(row.cost)}`, `Performance per $: ${row.perf === null ? '-' : factor(row.perf)}`],
    footer: (items) => items.some((item) => isFirst(item.raw.row)) ? 'On the front' : '',
  };
  const steps = {
    isFront: true, label: 'Pareto front', showLine: true, stepped: 'before', pointRadius: 0,
    pointHitRadius: 0, data: front.map((row) => ({x: row.cost, y: row.seconds})),
    borderColor: isDark() ? '#7cc4f5' : '#005a8f', borderWidth: 2.5, order: 2,
  };
  const levels = new Map(levelsOf(all.map((row) => [share(row)])).map((level, i) => [all[i], level]));
  const sets = unique(all.map((row) => row.fabric)).map((fabric) => {
    const look = fabricLook(fabric);
    const own = all.filter((row) => row.fabric === fabric);
    return {
      label: fabric, pointStyle: look.mark, backgroundColor: look.colour, borderColor: look.colour,
      data: own.map((row) => ({x: row.cost, y: row.seconds, half: halfOf(row, 'seconds'), row})),
      pointRadius: own.map((row) => (isFirst(row) ? 7 : 4.5) + 3 * levels.get(row)),
      pointHoverRadius: 9, pointBorderWidth: 2, order: 1, clip: false,
    };
  });
  chart(box, Math.min(440, Math.max(320, box.clientWidth * 0.5)),
      'Scatter: iteration time against the cluster\'s cost. On the Pareto front: ' +
        front.map((row) => `${namesAt(row)} (${second(row.seconds)}, ${usd(row.cost)})`).join('; '),
      {type: 'scatter', data: {datasets: [steps, ...sets]}, options});
  box.append(alternative('Iteration time and cost of the cluster', [{title: 'Fabric and speed'},
    {title: 'Iteration', even: times}, {title: 'Cost', even: monies},
    {title: 'Performance per $', even: factors}, {title: 'On the front'}],
  () => [...points].sort((a, b) => a.cost - b.cost).map((row) =>
    [name(row), row.seconds, row.cost, row.perf, isFirst(row) ? 'yes' : 'no'])));
}
