/**
 * Writes to standard output or error. The streams are touched only when there is something to write: making them
 * takes longer than anything else a quiet command does.
 */
export function writeTo(name: 'stdout' | 'stderr', text: string): void {
  if (text === '') return;
  const stream = process[name];
  if (!watched.has(name)) {
    watched.add(name);
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // A reader that left (`box images | head -1`) is no failure to talk about.
      if (error.code !== 'EPIPE') throw error;
      if (name === 'stdout') process.exit(141);
    });
  }
  stream.write(text);
}

const watched = new Set<string>();
