/** Two plots as SVG files; no style but attributes, so that they show wherever an image does. */
import { exponentOf, shown, sizeOf, type Told } from './told.ts'

const ink = '#4a5568'
const [width, left] = [860, 250]

const text = (x: number, y: number, words: string, anchor = 'start') =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" font-family="sans-serif" font-size="12" fill="${ink}" text-anchor="${anchor}">${words}</text>`
const rule = (x: number, from: number, to: number, color: string) =>
  `<line x1="${x.toFixed(1)}" y1="${from}" x2="${x.toFixed(1)}" y2="${to}" stroke="${color}"/>`

function drawing(title: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="${title}">
<title>${title}</title>
<rect width="${width}" height="${height}" fill="#ffffff"/>
${parts.join('\n')}
</svg>
`
}

/** Bars on a logarithmic scale from 0.01 to 10; a line at 1, and a red one at each goal. */
export function ratioPlot(told: readonly Told[]): string {
  const row = 24
  const height = (told.length + 2) * row
  const place = (value: number) =>
    left + ((Math.log10(Math.min(10, Math.max(0.01, value))) + 2) / 3) * (width - left - 60)
  const axis = [0.01, 0.1, 1, 10].flatMap(value => [
    rule(place(value), row, height - row, value === 1 ? ink : '#e2e8f0'),
    text(place(value), height - 8, String(value), 'middle'),
  ])
  const bars = told.flatMap(({ id, value, goal }, at) => {
    const y = (at + 1) * row
    const missed = goal !== null && value > goal
    const bar = `<rect x="${left}" y="${y + 4}" width="${(place(value) - left).toFixed(1)}" height="${row - 8}" fill="${missed ? '#dd6b20' : '#3182ce'}"/>`
    const target = goal === null ? [] : [rule(place(goal), y + 1, y + row - 1, '#c53030')]
    return [text(left - 8, y + 16, id, 'end'), bar, ...target, text(place(value) + 6, y + 16, value.toFixed(3))]
  })
  return drawing('Ratios, below 1 is less; red: the goal; orange: missed', height, [...axis, ...bars])
}

/** One line for each measure: its value in that of its smallest size, both axes logarithmic. */
export function growthPlot(told: readonly Told[]): string {
  const row = 18
  const height = Math.max(320, (told.length + 2) * row)
  const end = width - 420
  const scales = told.flatMap(one => one.sizes.map(({ scale }) => Math.log(scale)))
  const [from, to] = [Math.min(...scales), Math.max(...scales)]
  const most = Math.max(
    1,
    ...told.flatMap(({ sizes: [first, ...rest] }) => rest.map(one => Math.log(one.value / (first?.value ?? 1)))),
  )
  const x = (scale: number) => 30 + ((Math.log(scale) - from) / Math.max(1e-9, to - from)) * (end - 60)
  const y = (part: number) => height - 40 - (Math.max(-0.2, Math.log(part)) / most) * (height - 70)
  const lines = told.flatMap(({ id, unit, sizes }, at) => {
    const color = `hsl(${Math.round((at * 360) / Math.max(1, told.length))} 60% 42%)`
    const first = sizes[0]?.value ?? 1
    const points = sizes.map(one => `${x(one.scale).toFixed(1)},${y(one.value / first).toFixed(1)}`).join(' ')
    const last = sizes.at(-1)
    const words = `${id}: ${exponentOf(sizes)?.toFixed(2)} (${last === undefined ? '' : shown(last.value, unit)})`
    return [
      `<polyline points="${points}" fill="none" stroke="${color}" stroke-width="2"/>`,
      `<rect x="${end + 4}" y="${(at + 1) * row}" width="10" height="10" fill="${color}"/>`,
      text(end + 20, (at + 1) * row + 10, words),
    ]
  })
  const ticks = [...new Set(told.flatMap(one => one.sizes.map(({ scale }) => scale)))].map(scale =>
    text(x(scale), height - 14, sizeOf(scale), 'middle'),
  )
  return drawing('Values by size, each in that of its smallest size, with its exponent', height, [...ticks, ...lines])
}
