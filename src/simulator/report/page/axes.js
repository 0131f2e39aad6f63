'use strict';
// Axes that reach as far as what is drawn: the last tick is at the largest value or beyond it, ticks
// are round, and their texts have one unit and the same number of decimals.

/// The round distance (1, 2 or 5 times a power of ten) of which up to `ticks` make `length`.
function tickOf(length, ticks) {
  const rough = length / ticks;
  const power = 10 ** Math.floor(Math.log10(rough) + 1e-9);
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= rough * (1 - 1e-9));
}

/// `n` steps, without the last bits that multiplying adds: 0.0006, not 0.0006000000000000001.
const atStep = (n, step) => Number((n * step).toPrecision(12));

/// From 0 to the first that is not before `most`, in `wanted` steps or fewer.
function ticksTo(most, wanted = 5) {
  const step = tickOf(most > 0 ? most : 1, wanted);
  const needed = Math.max(1, Math.ceil(most / step - 1e-9));
  return Array.from({length: needed + 1}, (_, i) => atStep(i, step));
}

/// From at or before `low` to at or beyond `high`, where nothing stands on zero.
function rangeTicks(low, high, wanted) {
  const step = tickOf(high > low ? high - low : Math.abs(high) || 1, wanted);
  const [first, last] = [Math.floor(low / step + 1e-9), Math.ceil(high / step - 1e-9)];
  return Array.from({length: Math.max(2, last - first + 1)}, (_, i) => atStep(first + i, step));
}

/// Of a logarithmic axis: round numbers from at or before `least` to at or beyond `most`; 1, 2 and 5
/// of each decade, or whole decades, or some of these, so that they are few.
function logTicks(least, most, wanted = 7) {
  const [low, high] = [tenPower(least), tenPower(most) + 1];
  const all = [];
  for (let power = low; power <= high; ++power) {
    // Dividing is exact where multiplying by 1e-3 is not.
    for (const digit of [1, 2, 5]) all.push(power < 0 ? digit / 10 ** -power : digit * 10 ** power);
  }
  const within = (ticks) => {
    const first = Math.max(0, ticks.findLastIndex((tick) => tick <= least * (1 + 1e-9)));
    const last = ticks.findIndex((tick) => tick >= most * (1 - 1e-9));
    return ticks.slice(first, last < 0 ? ticks.length : last + 1);
  };
  const fine = within(all);
  if (fine.length <= wanted) return fine;
  const every = Math.ceil((high - low) / wanted);
  const decades = all.filter((_, i) => i % (3 * every) === 0);
  if (decades.at(-1) < most) decades.push(decades.at(-1) * 10 ** every);
  return within(decades);
}

/// How to write ticks: as many decimals as the finest needs. Over many decades each has its own unit.
function tickTexts(ticks, steps = [[1, '']]) {
  const sizes = ticks.filter((tick) => tick !== 0).map(Math.abs);
  const [least, most] = [Math.min(...sizes), Math.max(...sizes)];
  if (sizes.length === 0) return inSteps(steps.at(-1)[0], steps.at(-1)[1], 0);
  if (most / least >= 1000) return (tick) => tick === 0 ? inSteps(...steps.at(-1), 0)(0) : scaled(tick, steps);
  const [step, unit] = steps.find(([at]) => most >= at * 0.9995) || steps.at(-1);
  const isExact = (places) => ticks.every((tick) =>
    Math.abs(Number((tick / step).toFixed(places)) - tick / step) <= 1e-6 * least / step);
  let places = 0;
  while (places < 9 && !isExact(places)) ++places;
  return inSteps(step, unit, places);
}

const tickTimes = (ticks) => tickTexts(ticks, TIMES);
const tickMonies = (ticks) => tickTexts(ticks, MONEY);
const tickPlains = (ticks) => tickTexts(ticks);
const tickFactors = (ticks) => {
  const format = tickTexts(ticks);
  return (tick) => format(tick) + 'x';
};
const tickQuantities = (unit) => (ticks) => unit === 'Gb/s' ? speed :
  tickTexts(ticks, {s: TIMES, B: SIZES}[unit]);

/// Chart.js's options for an axis with just these ticks, from the first to the last.
function fixedAxis(ticks, text, format) {
  return {title: {display: true, text}, min: ticks[0], max: ticks.at(-1),
    afterBuildTicks: (scale) => { scale.ticks = ticks.map((value) => ({value})); },
    ticks: {callback: (value) => format(value), autoSkip: false, maxRotation: 0}};
}

/// An axis of quantities, `numbers` with their whiskers; from 0 (unless not `fromZero`), or
/// logarithmic where they span `least` or more. `texts` makes a format of ticks.
function axisOf(numbers, text, texts, {least = 8, wanted = 6, fromZero = true} = {}) {
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  if (!(low > 0 && high / low >= least)) {
    const ticks = fromZero && low >= 0 ? ticksTo(high, wanted) : rangeTicks(low, high, wanted);
    return fixedAxis(ticks, text, texts(ticks));
  }
  const ticks = logTicks(low, high, wanted + 1);
  return {...fixedAxis(ticks, text + ' (log scale)', texts(ticks)), type: 'logarithmic'};
}

/// Where `number` is on an axis of axisOf(), from 0 to 1.
function shareOn(axis, number) {
  if (axis.type !== 'logarithmic') return (number - axis.min) / (axis.max - axis.min);
  return Math.log(number / axis.min) / Math.log(axis.max / axis.min);
}

// --- What lies on something else ---

const TOUCHING = 0.012;  // of an axis: about five pixels

const isTouching = ([x, y], [u, v]) => Math.abs(x - u) < TOUCHING && Math.abs(y - v) < TOUCHING;

/// By series, on how many others it lies: points are [x, y] as shares of the axes. What is drawn
/// below is drawn larger by this, so that it shows around what is on it; the first is on top.
function levelsOf(series) {
  const levels = [];
  series.forEach((points, i) => {
    const isOn = (other) => points.some((a) => other.some((b) => isTouching(a, b)));
    const above = series.slice(0, i).flatMap((other, j) => isOn(other) ? [levels[j] + 1] : []);
    levels.push(Math.max(0, ...above));
  });
  return levels;
}
