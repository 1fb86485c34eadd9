import { Sankey } from "@ant-design/plots";
import { number } from "../format/figures";
import { base, type ChartTheme } from "./chart-theme";
import type { Flow } from "./flow";

// The layout ties nodes and links together in circles; in what React gives the chart, which it compares deeply with what
// it had before, that would never end.
const COPIED = [{ type: "custom", callback: (flow: Flow): Flow => structuredClone(flow) }];

/** A node smaller than this part of the largest has no room for its name: the tooltip has it, and the table. */
const NAMED = { wide: 0.03, narrow: 0.12 };

interface Props {
  flow: Flow;
  theme: ChartTheme;
  narrow: boolean;
}

/** Movements between stages, step by step from left to right. */
export default function FlowChart({ flow, theme, narrow }: Props) {
  const named = largest(flow) * (narrow ? NAMED.narrow : NAMED.wide);
  const colours = new Map(flow.nodes.map((node) => [node.key, node.colour]));
  return (
    <Sankey
      {...base(theme)}
      height={narrow ? 360 : 460}
      data={{ value: flow, transform: COPIED }}
      layout={{ nodeDepth: (node: { step: number }) => node.step, nodeWidth: 0.012, nodePadding: 0.05 }}
      linkColorField={(link: { source: { key: string } }) => link.source.key}
      scale={{ color: { domain: [...colours.keys()], range: [...colours.values()] } }}
      style={{
        labelText: ({ name, value }: { name: string; value: number }) =>
          value < named ? "" : narrow ? name : `${name} ${number(value)}`,
        labelFontSize: 12,
        labelFill: theme.text,
        labelFillOpacity: 1,
        labelStroke: theme.paper,
        labelLineWidth: 3,
        nodeStrokeWidth: 0,
        nodeStroke: "transparent",
        linkFillOpacity: theme.dark ? 0.45 : 0.35,
      }}
      tooltip={{
        nodeTitle: (node: { name: string }) => node.name,
        nodeItems: [(node: { value: number }) => ({ name: "", value: number(node.value) })],
        linkTitle: "",
        linkItems: [
          (link: { from: string; to: string; value: number }) => ({
            name: `${link.from} → ${link.to}`,
            value: number(link.value),
          }),
        ],
      }}
    />
  );
}

/** The most that goes out of a node, or into one. */
function largest(flow: Flow): number {
  const sums = new Map<string, number>();
  for (const { source, target, value } of flow.links) {
    sums.set(`from ${source}`, (sums.get(`from ${source}`) ?? 0) + value);
    sums.set(`to ${target}`, (sums.get(`to ${target}`) ?? 0) + value);
  }
  return Math.max(0, ...sums.values());
}
