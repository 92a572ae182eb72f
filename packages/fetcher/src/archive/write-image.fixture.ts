import type {
  BoxEvent,
  DestinationContext,
  Image,
  ImageDestination,
  Plugin,
  PluginHost,
  Reference,
} from '@boxkit/contracts';
import { outgoingOfImage } from '../outgoing/outgoing-image.ts';
import { bytesFrom } from '../outgoing/verified.fixture.ts';
import { archivesPlugin } from './plugin.ts';

/** Writes an image as `box copy` does, to where `target` says. */
export async function writeImage(
  image: Image,
  target: string,
  options: Partial<Pick<DestinationContext, 'signal' | 'preserveDigests'>> & {
    readonly onEvent?: (event: BoxEvent) => void;
  } = {},
): Promise<void> {
  const signal = options.signal ?? new AbortController().signal;
  const [scheme = '', written = ''] = target.split(/:(.*)/s);
  const destination = destinationsOf(archivesPlugin()).find((candidate) => candidate.scheme === scheme);
  if (destination === undefined) throw new Error(`no destination ${scheme}`);
  const location = destination.normalize?.(written) ?? written;
  const outgoing = await outgoingOfImage(image, {
    names: image.reference.scheme === 'docker' ? [image.reference.location] : [],
    open: bytesFrom(image.blobs),
    signal,
  });
  const context = {
    signal,
    logger: { debug() {}, warn() {} },
    emit: (event: BoxEvent) => options.onEvent?.(event),
    defer() {},
    ...(options.preserveDigests === undefined ? {} : { preserveDigests: options.preserveDigests }),
  } as unknown as DestinationContext;
  await destination.write([outgoing], { scheme, location, text: target } as Reference, context);
}

export function destinationsOf(plugin: Plugin): readonly ImageDestination[] {
  const destinations: ImageDestination[] = [];
  void plugin.setup({
    addSource() {},
    addDestination: (destination: ImageDestination) => destinations.push(destination),
  } as unknown as PluginHost);
  return destinations;
}
