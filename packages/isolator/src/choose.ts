import { BoxError, type IsolationFeature, type Isolator, type Privilege } from '@boxkit/contracts';
import { probeOnce } from './probe-cache.ts';

export interface Choice {
  /** A backend's name, or `auto`. */
  readonly wanted: string;
  readonly features: readonly IsolationFeature[];
  /** The store's home, where what a probe found is kept. */
  readonly home: string;
}

/**
 * The backend of that name; for `auto` the one that enforces most, of those that work here and can do what is asked. A
 * backend that is no boundary for files is never chosen by `auto`.
 */
export async function chooseIsolator(isolators: readonly Isolator[], choice: Choice): Promise<Isolator> {
  const privilege: Privilege = process.geteuid?.() === 0 ? 'root' : 'user';
  return choice.wanted === 'auto'
    ? await chooseStrongest(isolators, choice, privilege)
    : await chooseNamed(isolators, choice, privilege);
}

async function chooseNamed(isolators: readonly Isolator[], choice: Choice, privilege: Privilege): Promise<Isolator> {
  const { wanted, features, home } = choice;
  const isolator = isolators.find(({ name }) => name === wanted);
  if (isolator === undefined) {
    throw new BoxError(
      'ERR_BOX_BACKEND_UNKNOWN',
      `cannot isolate with ${JSON.stringify(wanted)}: there is no such backend`,
      {
        hint: `Known are ${['auto', ...isolators.map(({ name }) => name)].join(', ')}.`,
      },
    );
  }
  const probe = await probeOnce(isolator, home);
  if (!probe.available) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', `cannot isolate with ${wanted}: ${probe.reason}`, {
      ...(probe.hint === undefined ? {} : { hint: probe.hint }),
      fields: { isolator: wanted, reason: probe.reason },
    });
  }
  const missing = reasonsAgainst(isolator, features, privilege);
  if (missing.length > 0) throw notEnforceable(wanted, missing, capable(isolators, features, privilege));
  return isolator;
}

async function chooseStrongest(
  isolators: readonly Isolator[],
  { features, home }: Choice,
  privilege: Privilege,
): Promise<Isolator> {
  const needed: readonly IsolationFeature[] = ['filesystem', ...features];
  const able = isolators.filter((isolator) => reasonsAgainst(isolator, needed, privilege).length === 0);
  if (able.length === 0) {
    const reasons = isolators.flatMap((isolator) => reasonsAgainst(isolator, needed, privilege));
    throw notEnforceable('any backend', reasons, []);
  }
  const strongest = able.toSorted((a, b) => strength(b, privilege) - strength(a, privilege));
  const failed: string[] = [];
  let hint: string | undefined;
  for (const isolator of strongest) {
    const probe = await probeOnce(isolator, home);
    if (probe.available) return isolator;
    failed.push(`${isolator.name}: ${probe.reason}`);
    hint ??= probe.hint;
  }
  throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', `cannot isolate: no backend works here (${failed.join('; ')})`, {
    hint: hint ?? 'box doctor says what each backend needs.',
    fields: { probes: failed },
  });
}

/** How many features a backend enforces. */
function strength(isolator: Isolator, privilege: Privilege): number {
  return Object.values(isolator.capabilities(privilege)).filter((answer) => answer === true).length;
}

function reasonsAgainst(
  isolator: Isolator,
  features: readonly IsolationFeature[],
  privilege: Privilege,
): readonly string[] {
  const table = isolator.capabilities(privilege);
  return features.flatMap((feature) => {
    const answer = table[feature];
    return answer === true ? [] : [`${isolator.name} cannot enforce ${feature}: ${answer ?? 'it does not say'}`];
  });
}

function capable(
  isolators: readonly Isolator[],
  features: readonly IsolationFeature[],
  privilege: Privilege,
): readonly string[] {
  return isolators
    .filter((isolator) => reasonsAgainst(isolator, features, privilege).length === 0)
    .map(({ name }) => name);
}

function notEnforceable(wanted: string, reasons: readonly string[], others: readonly string[]): BoxError {
  const hint = others.length > 0 ? `These backends can: ${others.join(', ')}.` : 'No backend can, for this user.';
  return new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot isolate with ${wanted} as asked: ${reasons.join('; ')}`, {
    hint,
    fields: { reasons, capable: others },
  });
}
