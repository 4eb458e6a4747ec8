import { describe, expect, it } from 'vitest'
import { definitions, table } from '../../src/report/table.ts'

const columns = [
  { label: 'Index', cell: (row: number) => `<${row}>` },
  { label: 'Size', numeric: true, cell: (row: number) => row },
]

describe('table', () => {
  it('has a caption, headers with scope, and each cell carries its column for the telephone', () => {
    const drawn = table({ caption: 'Sizes', columns, rows: [7] }).toString()
    expect(drawn).toContain('<caption>Sizes</caption>')
    expect(drawn).toContain('<th scope="col">Index</th><th scope="col" class="numeric">Size</th>')
    expect(drawn).toContain('<th scope="row">&lt;7&gt;</th><td data-label="Size" class="numeric">7</td>')
    expect(drawn).not.toContain('more rows')
  })

  it('is bounded and says what it leaves out', () => {
    const drawn = table({
      caption: 'Sizes',
      columns,
      rows: Array.from({ length: 1_512 }, (_, i) => i),
      maxRows: 10,
    }).toString()
    expect(drawn.match(/<tr>/g)).toHaveLength(11)
    expect(drawn).toContain('1,502 more rows are in run.json')
  })
})

describe('definitions', () => {
  it('leaves out what is not there', () => {
    expect(
      definitions([
        ['A', 1],
        ['B', null],
        ['C', '<'],
      ]).toString(),
    ).toBe('<dl><div><dt>A</dt><dd>1</dd></div><div><dt>C</dt><dd>&lt;</dd></div></dl>')
  })
})
