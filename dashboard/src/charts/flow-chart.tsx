import { Sankey } from "@ant-design/plots";
import { formatNumber } from "../format/numbers";
import { baseOptions, type ChartTheme } from "./chart-theme";
import type { StageFlow } from "./stage-flow";

// The layout ties nodes and links together in circles; in what React gives the chart, which it compares deeply with what
// it had before, that would never end.
const CLONE_DATA = [{ type: "custom", callback: (flow: StageFlow): StageFlow => structuredClone(flow) }];

/** A node smaller than this part of the largest has no room for its name: the tooltip has it, and the table. */
const MIN_LABELLED_SHARE = { wide: 0.03, narrow: 0.12 };

interface Props {
  flow: StageFlow;
  theme: ChartTheme;
  narrow: boolean;
}

/** Movements between stages, step by step from left to right. */
export default function FlowChart({ flow, theme, narrow }: Props) {
  const minLabelled = maxNodeValue(flow) * (narrow ? MIN_LABELLED_SHARE.narrow : MIN_LABELLED_SHARE.wide);
  const nodeColours = new Map(flow.nodes.map((node) => [node.key, node.colour]));
  return (
    <Sankey
      {...baseOptions(theme)}
      height={narrow ? 360 : 460}
      data={{ value: flow, transform: CLONE_DATA }}
      layout={{ nodeDepth: (node: { step: number }) => node.step, nodeWidth: 0.012, nodePadding: 0.05 }}
      linkColorField={(link: { source: { key: string } }) => link.source.key}
      scale={{ color: { domain: [...nodeColours.keys()], range: [...nodeColours.values()] } }}
      style={{
        labelText: ({ name, value }: { name: string; value: number }) =>
          value < minLabelled ? "" : narrow ? name : `${name} ${formatNumber(value)}`,
        labelFontSize: 12,
        labelFill: theme.text,
        labelFillOpacity: 1,
        labelStroke: theme.background,
        labelLineWidth: 3,
        nodeStrokeWidth: 0,
        nodeStroke: "transparent",
        linkFillOpacity: theme.dark ? 0.45 : 0.35,
      }}
      tooltip={{
        nodeTitle: (node: { name: string }) => node.name,
        nodeItems: [(node: { value: number }) => ({ name: "", value: formatNumber(node.value) })],
        linkTitle: "",
        linkItems: [
          (link: { from: string; to: string; value: number }) => ({
            name: `${link.from} → ${link.to}`,
            value: formatNumber(link.value),
          }),
        ],
      }}
    />
  );
}

/** The most that goes out of a node, or into one. */
function maxNodeValue(flow: StageFlow): number {
  const sums = new Map<string, number>();
  for (const { source, target, value } of flow.links) {
    sums.set(`from ${source}`, (sums.get(`from ${source}`) ?? 0) + value);
    sums.set(`to ${target}`, (sums.get(`to ${target}`) ?? 0) + value);
  }
  return Math.max(0, ...sums.values());
}
