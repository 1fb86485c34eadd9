import { Empty } from "antd";
import { Link } from "react-router";
import { Page } from "../parts/page";
import { words } from "../words";

export default function NotFound() {
  return (
    <Page title={words.common.notFound} tab={words.common.notFound} lead={words.common.notFoundHint}>
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Link to="/">{words.common.home}</Link>} />
    </Page>
  );
}
