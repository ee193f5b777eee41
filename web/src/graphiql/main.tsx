/** @jsxImportSource react */
// The GraphQL IDE: GraphiQL with the explorer, prepared tabs and a list of subscription events.
import './workers.ts';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import './page.css';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { GraphiQL, HISTORY_PLUGIN } from 'graphiql';
import { createRoot } from 'react-dom/client';
import { readConfig } from './config.ts';
import { EventList } from './events.tsx';
import { examples } from './examples.ts';
import { createFetcher } from './fetcher.ts';
import { openAtFirst } from './restore.ts';
import { storageWithoutHeaders } from './storage.ts';

const root = document.getElementById('graphiql');
if (root === null) throw new Error('the page has no #graphiql');
const config = readConfig(root);
const tabs = examples(config.headers);
const headers = tabs[0]?.headers;
const first = openAtFirst(tabs);

createRoot(root).render(
  <GraphiQL
    fetcher={createFetcher(config.endpoint)}
    plugins={[HISTORY_PLUGIN, explorerPlugin()]}
    storage={storageWithoutHeaders}
    showPersistHeadersSettings={false}
    defaultTabs={tabs}
    initialQuery={first.query}
    initialVariables={first.variables}
    defaultEditorToolsVisibility="variables"
    {...(headers ? { defaultHeaders: headers } : {})}
  >
    <GraphiQL.Logo>
      <a className="wordmark" href="/">Orderpulse</a>
    </GraphiQL.Logo>
    <GraphiQL.Footer>
      <EventList />
    </GraphiQL.Footer>
  </GraphiQL>,
);
