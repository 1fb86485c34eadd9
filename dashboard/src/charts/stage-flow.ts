import type { SankeyData } from "../api/types";

export interface StageFlow {
  nodes: { key: string; step: number; stage: string; name: string; colour: string }[];
  links: { source: string; target: string; value: number; from: string; to: string; colour: string }[];
}

/**
 * Convert the API's data to the diagram's. Each node is a stage at one step, so that a return to an earlier stage is a
 * node further to the right and the graph has no cycles. Links that do not lead to a later step are dropped, because the
 * chart throws on cycles.
 */
export function toStageFlow(
  data: SankeyData,
  nameOf: (stage: string) => string,
  colourOf: (stage: string) => string,
): StageFlow {
  const nodesById = new Map(data.nodes.map((node) => [node.id, node]));
  const links = data.links.flatMap(({ source, target, count }) => {
    const [from, to] = [nodesById.get(source), nodesById.get(target)];
    if (from === undefined || to === undefined || from.step >= to.step || count <= 0) return [];
    const names = { from: nameOf(from.stage), to: nameOf(to.stage) };
    return [{ source, target, value: count, ...names, colour: colourOf(from.stage) }];
  });
  const linked = new Set(links.flatMap(({ source, target }) => [source, target]));
  const nodes = data.nodes
    .filter((node) => linked.has(node.id))
    .map(({ id, step, stage }) => ({ key: id, step, stage, name: nameOf(stage), colour: colourOf(stage) }));
  return { nodes, links };
}
