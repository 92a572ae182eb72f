import {
  BoxError,
  type IsolationCapabilities,
  type IsolationFeature,
  type Isolator,
  type Privilege,
} from '@boxkit/contracts';
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
  const candidates = isolators.map((isolator) => candidate(isolator, privilege));
  return choice.wanted === 'auto' ? await chooseStrongest(candidates, choice) : await chooseNamed(candidates, choice);
}

/** A backend and its table, which is asked for once: it looks at the machine's cgroups and tools. */
interface Candidate {
  readonly isolator: Isolator;
  readonly table: () => IsolationCapabilities;
}

function candidate(isolator: Isolator, privilege: Privilege): Candidate {
  let table: IsolationCapabilities | undefined;
  return { isolator, table: () => (table ??= isolator.capabilities(privilege)) };
}

async function chooseNamed(candidates: readonly Candidate[], choice: Choice): Promise<Isolator> {
  const { wanted, features, home } = choice;
  const named = candidates.find(({ isolator }) => isolator.name === wanted);
  if (named === undefined) {
    throw new BoxError(
      'ERR_BOX_BACKEND_UNKNOWN',
      `cannot isolate with ${JSON.stringify(wanted)}: there is no such backend`,
      {
        hint: `Known are ${['auto', ...candidates.map(({ isolator }) => isolator.name)].join(', ')}.`,
      },
    );
  }
  const probe = await probeOnce(named.isolator, home);
  if (!probe.available) {
    throw new BoxError('ERR_BOX_BACKEND_UNAVAILABLE', `cannot isolate with ${wanted}: ${probe.reason}`, {
      ...(probe.hint === undefined ? {} : { hint: probe.hint }),
      fields: { isolator: wanted, reason: probe.reason },
    });
  }
  const missing = reasonsAgainst(named, features);
  if (missing.length > 0) throw notEnforceable(wanted, missing, capable(candidates, features));
  return named.isolator;
}

async function chooseStrongest(candidates: readonly Candidate[], { features, home }: Choice): Promise<Isolator> {
  const needed: readonly IsolationFeature[] = ['filesystem', ...features];
  const able = candidates.filter((one) => reasonsAgainst(one, needed).length === 0);
  if (able.length === 0) {
    const reasons = candidates.flatMap((one) => reasonsAgainst(one, needed));
    throw notEnforceable('any backend', reasons, []);
  }
  const strongest = able.toSorted((a, b) => strength(b) - strength(a));
  const failed: string[] = [];
  let hint: string | undefined;
  for (const { isolator } of strongest) {
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
function strength({ table }: Candidate): number {
  return Object.values(table()).filter((answer) => answer === true).length;
}

function reasonsAgainst({ isolator, table }: Candidate, features: readonly IsolationFeature[]): readonly string[] {
  return features.flatMap((feature) => {
    const answer = table()[feature];
    return answer === true ? [] : [`${isolator.name} cannot enforce ${feature}: ${answer ?? 'it does not say'}`];
  });
}

function capable(candidates: readonly Candidate[], features: readonly IsolationFeature[]): readonly string[] {
  return candidates.filter((one) => reasonsAgainst(one, features).length === 0).map(({ isolator }) => isolator.name);
}

function notEnforceable(wanted: string, reasons: readonly string[], others: readonly string[]): BoxError {
  const hint = others.length > 0 ? `These backends can: ${others.join(', ')}.` : 'No backend can, for this user.';
  return new BoxError('ERR_BOX_NOT_ENFORCEABLE', `cannot isolate with ${wanted} as asked: ${reasons.join('; ')}`, {
    hint,
    fields: { reasons, capable: others },
  });
}
