// The pages by their path, inside the frame that all share.
import { LocationProvider, Route, Router } from "preact-iso/router";
import { routes } from "./routes";
import { Missing } from "./pages/missing";
import { Frame, SignedOut } from "./parts/frame";
import { session, who } from "./sign-in";

export function App() {
  if (who.value.state !== "in") return <SignedOut who={who.value} />;
  return (
    <LocationProvider key={session.value}>
      <Frame>
        <Router>
          {routes.map(({ path, page }) => (
            <Route key={path} path={path} component={page} />
          ))}
          <Route default component={Missing} />
        </Router>
      </Frame>
    </LocationProvider>
  );
}
