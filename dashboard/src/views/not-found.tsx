import { Empty } from "antd";
import { Link } from "react-router";
import { Page } from "../components/page";
import { strings } from "../strings";

export default function NotFound() {
  return (
    <Page
      title={strings.common.notFound}
      documentTitle={strings.common.notFound}
      subtitle={strings.common.notFoundHint}
    >
      <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={<Link to="/">{strings.common.home}</Link>} />
    </Page>
  );
}
