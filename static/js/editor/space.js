// Lays options, errors and the ISP in focus over the power space that the server drew (offers/charts).
import { letter } from './options.js';

const DASHES = ['solid', '9px,4px', '3px,2px', '9px,3px,2px,3px', '5px,3px'];
const WIDTHS = [2.5, 2.5, 3, 2.5, 2.5];
const HUES = 'abcde';
const kw = power => (typeof power === 'number' ? power / 1000 : 0);
const words = value => `${value < 0 ? '−' : value > 0 ? '+' : ''}${Math.abs(value).toLocaleString('en')} kW`;

function optionLine(option, index, isps) {
  const k = index % 5;
  const values = isps.map(isp => kw(option.powers[isp.n]));
  const y = [values[0], ...values, values[values.length - 1]];
  return {
    type: 'scatter', mode: 'lines', name: `Option ${letter(index)}`, y, text: y.map(words), hovertemplate: '%{text}',
    x: [isps[0].n - 1, ...isps.map(isp => isp.n - 0.5), isps[isps.length - 1].n],
    line: { shape: 'hvh', width: WIDTHS[k], dash: DASHES[k], color: `token:opt-${HUES[k]}` },
  };
}

// The ISPs in which an option has power, the one farthest from the others and from zero first.
function tagPlaces(options, index, isps) {
  const own = n => kw(options[index].powers[n]);
  const others = options.filter((_, i) => i !== index);
  const gap = n => (others.length ? Math.min(...others.map(other => Math.abs(own(n) - kw(other.powers[n])))) : 0);
  return isps.filter(({ n }) => own(n)).map(({ n }) => ({ n, y: own(n), gap: gap(n) }))
    .sort((a, b) => b.gap - a.gap || Math.abs(b.y) - Math.abs(a.y));
}

// The letter on each line, where no other letter stands nor, in the upper left corner, the unit (as offers/charts).
function optionTags(options, isps, [low, high]) {
  const height = high - low;
  const placed = [];
  return options.flatMap((_, index) => {
    const best = tagPlaces(options, index, isps);
    const cornered = ({ n, y }) => (n - isps[0].n) * 2 < isps.length && (high - y) * 8 < height;
    const free = ({ n, y }) => !cornered({ n, y }) && placed.every(at => Math.abs(n - at.n) * 12 > isps.length || Math.abs(y - at.y) * 12 > height);
    const at = best.find(free) ?? best[0];
    if (!at) return [];
    placed.push(at);
    return [{
      x: at.n - 0.5, y: at.y, yshift: 10, text: letter(index), showarrow: false, borderpad: 2,
      font: { size: 11, weight: 600, color: 'token:surface' }, bgcolor: `token:opt-${HUES[index % 5]}`,
    }];
  });
}

function errorMarks(errors, options) {
  const found = errors.filter(({ option, isp }) => typeof options[option]?.powers[isp] === 'number');
  return {
    type: 'scatter', mode: 'markers', name: 'Error', hoverinfo: 'skip',
    x: found.map(({ isp }) => isp - 0.5), y: found.map(({ option, isp }) => kw(options[option].powers[isp])),
    marker: { symbol: 'diamond-open', size: 15, color: 'token:bad', line: { width: 2.5 } },
  };
}

function errorNote(errors, options) {
  const first = errors.find(({ option, isp }) => typeof options[option]?.powers[isp] === 'number');
  if (!first) return null;
  const value = kw(options[first.option].powers[first.isp]);
  return {
    x: first.isp - 0.5, y: value, ax: 54, ay: -48, showarrow: true, arrowhead: 0, arrowwidth: 1.5, borderpad: 3,
    text: `${letter(first.option)}, ISP ${first.isp}: ${words(value)}${first.limit ? `, limit ${first.limit}` : ''}`,
    font: { size: 12, weight: 600, color: 'token:bad' }, arrowcolor: 'token:bad', bgcolor: 'token:surface',
  };
}

// The server's axis, opened as far as the options reach.
function powerAxis(base, values) {
  const [low, high] = base.range;
  const least = Math.min(...values, Infinity);
  const most = Math.max(...values, -Infinity);
  if (least >= low && most <= high) return base;
  const range = [Math.min(low, least * 1.12), Math.max(high, most * 1.12)];
  const rough = (range[1] - range[0]) / 8;
  const scale = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map(m => m * scale).find(m => m >= rough);
  const ticks = [];
  for (let k = Math.ceil(range[0] / step); k * step <= range[1]; k += 1) ticks.push(Number((k * step).toPrecision(12)));
  return { ...base, range, tickvals: ticks, ticktext: ticks.map(value => words(value).replace(' kW', '')) };
}

export function overlaid(base, { options, isps, focus, errors }) {
  const lines = options.map((option, index) => optionLine(option, index, isps));
  const yaxis = powerAxis(base.layout.yaxis, lines.flatMap(line => line.y));
  const tags = optionTags(options, isps, yaxis.range);
  const note = errorNote(errors, options);
  const shapes = [...(base.layout.shapes ?? [])];
  if (focus !== null) {
    shapes.unshift({
      type: 'rect', layer: 'below', x0: focus - 1, x1: focus, y0: 0, y1: 1, yref: 'paper',
      line: { width: 0 }, fillcolor: 'token:accent-soft',
    });
  }
  return {
    data: [...base.data, ...lines, errorMarks(errors, options)],
    layout: {
      ...base.layout, shapes, yaxis,
      annotations: [...base.layout.annotations, ...tags, ...(note ? [note] : [])],
    },
  };
}
