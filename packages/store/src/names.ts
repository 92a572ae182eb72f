const adjectives =
  'able amber bold brave brisk bright calm clever cosy crisp daring deft eager early exact fair fleet fond frank fresh gentle glad golden grand happy hardy honest humble jolly keen kind lively loyal lucid mellow merry mild modest neat nimble noble plain polite proud quick quiet rapid ready rosy serene sharp silent smart snug sober solid spry steady still sunny swift tidy tranquil trusty upbeat vivid warm wise witty zesty';
const nouns =
  'aiken babbage bartik boole borg cerf cray dijkstra diffie engelbart floyd goldberg hamilton hamming hollerith hopper johnson kay kernighan knuth lamport liskov lovelace mccarthy mcilroy metcalfe minsky moore naur neumann noether pascal perlman postel ritchie shannon stallman sutherland thompson torvalds turing ulam wirth wilkes zuse';

/** A name for a container that was given none: `brave_hopper`. After many misses, longer. */
export function generateName(attempt: number): string {
  const name = `${pick(adjectives)}_${pick(nouns)}`;
  return attempt < 8 ? name : `${name}_${draw(10 ** Math.min(attempt - 5, 12))}`;
}

function pick(words: string): string {
  const list = words.split(' ');
  return list[draw(list.length)] ?? '';
}

/** Below `limit`. A name is no secret: it only has to differ from the others, which whoever takes it checks. */
function draw(limit: number): number {
  return Math.floor(Math.random() * limit);
}
