import type {
  BoxEvent,
  DestinationContext,
  ImageDestination,
  OutgoingDocument,
  OutgoingImage,
  PluginHost,
  Reference,
} from '@boxkit/contracts';
import { parseReference } from '@boxkit/manifest';
import { allBlobs, type BuiltDocument } from '@boxkit/testkit';
import { verifiedOpen } from '../../outgoing/verified.ts';
import { quick } from '../../pull.fixture.ts';
import { registryPlugin, type RegistryPluginOptions } from '../registry-plugin.ts';

export interface PushOptions extends RegistryPluginOptions {
  readonly signal?: AbortSignal;
  readonly heldAt?: OutgoingImage['heldAt'];
}

/** Pushes a document and all below it, as `box copy --all` does; resolves to the events. */
export async function push(built: BuiltDocument, to: string, options: PushOptions = {}): Promise<readonly BoxEvent[]> {
  const events: BoxEvent[] = [];
  const context = {
    signal: options.signal ?? AbortSignal.timeout(60_000),
    logger: { debug() {}, warn() {} },
    emit: (event: BoxEvent) => events.push(event),
    defer() {},
  } as unknown as DestinationContext;
  const reference: Reference = parseReference(`docker://${to}`);
  await destinationOf({ ...quick, ...options }).write([outgoing(built, options)], reference, context);
  return events;
}

function destinationOf(options: RegistryPluginOptions): ImageDestination {
  const found: ImageDestination[] = [];
  void registryPlugin(options).setup({
    addSource() {},
    addDestination: (destination: ImageDestination) => found.push(destination),
  } as unknown as PluginHost);
  const [destination] = found;
  if (destination === undefined) throw new Error('the plugin contributed nothing');
  return destination;
}

/** An image in memory, on its way out. */
export function outgoing(built: BuiltDocument, { heldAt }: Pick<PushOptions, 'heldAt'> = {}): OutgoingImage {
  const bytes = new Map(allBlobs(built).map((blob) => [blob.descriptor.digest, blob.bytes]));
  const documents = documentsOf(built);
  return {
    reference: parseReference('test/image:1'),
    names: [],
    root: built.descriptor,
    documents,
    blobs: contentOf(built).map(({ descriptor }) => descriptor),
    heldAt: heldAt ?? (() => []),
    open: verifiedOpen(async (descriptor, { offset }) => {
      await Promise.resolve();
      const whole = bytes.get(descriptor.digest) ?? Buffer.alloc(0);
      return {
        startedAt: offset,
        async *[Symbol.asyncIterator]() {
          for (let at = offset; at < whole.length; at += 65_536) {
            yield await Promise.resolve(whole.subarray(at, at + 65_536));
          }
        },
      };
    }),
  };
}

function documentsOf(built: BuiltDocument): readonly OutgoingDocument[] {
  return [...built.documents.flatMap(documentsOf), { descriptor: built.descriptor, bytes: built.bytes }];
}

function contentOf(built: BuiltDocument): BuiltDocument['blobs'] {
  const all = [...built.blobs, ...built.documents.flatMap(contentOf)];
  return [...new Map(all.map((blob) => [blob.descriptor.digest, blob])).values()];
}
