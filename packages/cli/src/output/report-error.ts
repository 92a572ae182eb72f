import { BoxError, isBoxError, isSystemError, openFilesError } from '@boxkit/contracts';
import { escapeControls } from './escape.ts';
import { toJson } from './json.ts';

export interface ReportOptions {
  readonly debug: boolean;
  readonly json: boolean;
}

/** An error as the last thing a command says: message, hint and code; the stack and the causes only when debugging. */
export function formatError(thrown: unknown, options: ReportOptions): string {
  const error = openFilesError(thrown);
  if (options.json) return `${toJson({ type: 'error', ...asData(error) })}\n`;
  const { code, message, hint } = asData(error);
  const lines = [`box: error: ${escapeControls(message)}`];
  if (hint !== undefined) lines.push(`  hint: ${escapeControls(hint)}`);
  if (code !== 'ERR_BOX_USAGE') lines.push(`  code: ${code}`);
  if (options.debug) lines.push(...stacks(error));
  return `${lines.join('\n')}\n`;
}

/** Why a container's command could not be started, which is a result and no error of box. */
export function formatFailure(reason: string, hint: string | undefined): string {
  const remedy = hint === undefined ? '' : `  hint: ${escapeControls(hint)}\n`;
  return `box: ${escapeControls(reason)}\n${remedy}`;
}

function asData(error: unknown): { code: string; message: string; hint?: string; fields?: unknown } {
  if (isBoxError(error)) {
    const { code, message, hint, fields } = error;
    return { code, message, ...(hint === undefined ? {} : { hint }), fields };
  }
  // Where nobody foresaw it, the kernel's refusal is still no defect.
  if (isSystemError(error)) return asData(new BoxError('ERR_BOX_SYSTEM_CALL', error.message, { cause: error }));
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'ERR_BOX_INTERNAL', message, hint: 'This is a defect; run it again with --debug and report it.' };
}

/** The stack of an error and of each of its causes. */
function stacks(error: unknown): string[] {
  const lines: string[] = [];
  for (let current = error; current instanceof Error; current = current.cause) {
    lines.push(escapeControls(current.stack ?? current.message, { keepNewlines: true }));
  }
  return lines;
}
