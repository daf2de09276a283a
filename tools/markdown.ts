/** A page of Markdown, as far as checks need to know it. */
export type Page = { anchors: Set<string>; links: Link[]; blocks: CodeBlock[] }

/** `[text](target)`, outside of code. */
export type Link = { target: string; line: number }

/** What stands between two fences. `line` is that of its first line, `language` the word after the opening fence. */
export type CodeBlock = { language: string; text: string; line: number }

const fence = /^\s*(```+|~~~+)\s*(\S*)/
const heading = /^#{1,6}\s+(.*?)\s*#*$/
const link = /\[[^\]]*\]\(\s*<?([^)\s>]+)>?[^)]*\)/g

/** Reads headings, links and fenced code. Knows the Markdown that these pages are written in, not all there is. */
export function parsePage(markdown: string): Page {
  const page: Page = { anchors: new Set(), links: [], blocks: [] }
  let open: { fence: string; block: CodeBlock; lines: string[] } | null = null
  for (const [index, text] of markdown.split(/\r?\n/).entries()) {
    const line = index + 1
    const [, mark, language = ''] = fence.exec(text) ?? []
    if (open) {
      if (mark?.startsWith(open.fence) && language === '') {
        page.blocks.push({ ...open.block, text: open.lines.join('\n') })
        open = null
      } else open.lines.push(text)
      continue
    }
    if (mark) {
      open = { fence: mark, block: { language, text: '', line: line + 1 }, lines: [] }
      continue
    }
    const title = heading.exec(text)?.[1]
    if (title !== undefined) addAnchor(page.anchors, title)
    for (const [, target = ''] of text.replace(/`[^`]*`/g, '``').matchAll(link)) page.links.push({ target, line })
  }
  if (open) throw new SyntaxError(`The code block that begins in line ${open.block.line - 1} is not closed.`)
  return page
}

/** GitHub's anchors: lower case, punctuation dropped, spaces as hyphens; a repeated heading gets a number. */
function addAnchor(anchors: Set<string>, title: string): void {
  const text = title.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
  const slug = text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\p{M}\p{Pc} -]/gu, '')
    .replaceAll(' ', '-')
  let anchor = slug
  for (let count = 1; anchors.has(anchor); count += 1) anchor = `${slug}-${count}`
  anchors.add(anchor)
}
