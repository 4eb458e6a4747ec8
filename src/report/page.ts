/** The frame of every page: one self-contained file without any script, whose policy lets in nothing but its own style. */
import { createHash } from 'node:crypto'
import { shapeDefinitions } from './marks.ts'
import { html, type Markup, styleElement } from './markup.ts'

/** @throws SnapproofError `usage` when the style holds `</style` or `<!--` */
export function pageOf(title: string, style: string, body: Markup): string {
  // A browser turns line ends into \n before it hashes the style.
  const css = style.replaceAll('\r\n', '\n')
  const sha256 = createHash('sha256').update(css, 'utf8').digest('base64')
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-${sha256}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
${styleElement(css)}
</head>
<body>
${shapeDefinitions()}
${body}
</body>
</html>
`
  return page.toString()
}
