/** A word that a POSIX shell reads as exactly this text. */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text) && !/^[A-Za-z_][A-Za-z0-9_]*=/.test(text)) return text;
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}

/** Text as comment lines: nothing in it can end the comment. */
export function commentLines(text: string, width = 110): readonly string[] {
  const clean = text.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim();
  const lines: string[] = [];
  let line = '#';
  for (const word of clean.split(' ')) {
    if (line.length > 1 && line.length + word.length > width) {
      lines.push(line);
      line = '#';
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}

/** Text that cannot begin a line of its own. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\u2028\u2029]/gu, (character) => JSON.stringify(character).slice(1, -1));
}
