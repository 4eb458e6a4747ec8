/** Tables that stay readable on a telephone: each cell carries the label of its column for the stacked form. */
import { count } from './format.ts'
import { html, type Markup, type Value } from './markup.ts'

export interface Column<Row> {
  readonly label: string
  /** Right-aligned, digits of equal width. */
  readonly numeric?: boolean
  readonly cell: (row: Row) => Value
}

export interface TableOptions<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  /** Rows beyond this are counted and left to `more`. */
  readonly maxRows?: number
  /** The file that has all rows; default `run.json`. */
  readonly more?: string
  readonly rowClass?: (row: Row) => string
}

/** The first column names the row. */
export function table<Row>(options: TableOptions<Row>): Markup {
  const maxRows = options.maxRows ?? 500
  const shown = options.rows.slice(0, maxRows)
  const left = options.rows.length - shown.length
  return html`<div class="table"><table>
<caption>${options.caption}</caption>
<thead><tr>${options.columns.map(column => html`<th scope="col"${numeric(column)}>${column.label}</th>`)}</tr></thead>
<tbody>${shown.map(row => tableRow(options, row))}</tbody>
</table></div>${left > 0 && html`<p class="note">${count(left)} more rows are in ${options.more ?? 'run.json'}.</p>`}`
}

function tableRow<Row>(options: TableOptions<Row>, row: Row): Markup {
  const className = options.rowClass?.(row) ?? ''
  return html`
<tr${className !== '' && html` class="${className}"`}>${options.columns.map((column, i) =>
    i === 0
      ? html`<th scope="row">${column.cell(row)}</th>`
      : html`<td data-label="${column.label}"${numeric(column)}>${column.cell(row)}</td>`,
  )}</tr>`
}

function numeric<Row>(column: Column<Row>): Markup | false {
  return column.numeric === true && html` class="numeric"`
}

/** Terms with their values, as in the identity of a run. Pairs whose value is null are left out. */
export function definitions(pairs: readonly (readonly [string, Value])[]): Markup {
  return html`<dl>${pairs
    .filter(([, value]) => value !== null)
    .map(([term, value]) => html`<div><dt>${term}</dt><dd>${value}</dd></div>`)}</dl>`
}
