import { Sankey } from "@ant-design/plots";
import { number } from "../format/figures";
import type { Flow } from "./flow";
import { base, type Ink } from "./ink";

/** Movements between stages, step by step from left to right. */
export default function FlowChart({ flow, ink }: { flow: Flow; ink: Ink }) {
  // A copy for each drawing: the layout ties nodes and links into circles, in which the component would walk for ever.
  const value = { nodes: flow.nodes.map((node) => ({ ...node })), links: flow.links.map((link) => ({ ...link })) };
  const colours = new Map(flow.nodes.map((node) => [node.key, node.colour]));
  return (
    <Sankey
      {...base(ink)}
      height={360}
      data={{ value }}
      layout={{ nodeDepth: (node: { step: number }) => node.step, nodeWidth: 0.012, nodePadding: 0.06 }}
      linkColorField={(link: { source: { key: string } }) => link.source.key}
      scale={{ color: { domain: [...colours.keys()], range: [...colours.values()] } }}
      style={{
        labelText: (node: { name: string; value: number }) => `${node.name} ${number(node.value)}`,
        labelFontSize: 12,
        labelFill: ink.text,
        labelFillOpacity: 1,
        labelStroke: ink.paper,
        labelLineWidth: 3,
        nodeStrokeWidth: 0,
        nodeStroke: "transparent",
        linkFillOpacity: ink.dark ? 0.45 : 0.35,
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
