import { errorTexts } from './error-texts.ts';

export interface ErrorExplanation {
  readonly code: string;
  /** What it means and what to do, as docs/reference/errors.md has it. Markdown. */
  readonly text: string;
}

/** What an error code means, and what to do; undefined for what is none. */
export function explainError(code: string): ErrorExplanation | undefined {
  const text = Object.hasOwn(errorTexts, code) ? errorTexts[code] : undefined;
  return text === undefined ? undefined : { code, text };
}
