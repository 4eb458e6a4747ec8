// Starts a bare OpenSearch 2.x node from Maven Central's jars: java LaunchOpenSearch2.java HOME CONFIG KEY=VALUE...
// Halts as soon as its standard input ends, so that a parent that was killed leaves no server behind.
// opensearch-project/OpenSearch: server/src/main/java/org/opensearch/bootstrap/Bootstrap.java @ 2.19.1
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;

public class LaunchOpenSearch2 extends Node {
  private LaunchOpenSearch2(Environment environment) {
    super(environment, List.of(org.opensearch.transport.Netty4Plugin.class), false);
  }

  public static void main(String[] args) throws Exception {
    haltWithParent();
    try {
      start(args);
    } catch (Throwable problem) {
      problem.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
    Thread.currentThread().join();
  }

  private static void start(String[] args) throws Exception {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("path.home", args[0]);
    for (int i = 2; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    String name = settings.getOrDefault("node.name", "snapproof");
    LogConfigurator.setNodeName(name);
    Environment environment =
        InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, settings, Path.of(args[1]), () -> name);
    LogConfigurator.registerErrorListener();
    LogConfigurator.configure(environment);
    new LaunchOpenSearch2(environment).start();
  }

  private static void haltWithParent() {
    Thread watchdog = new Thread(() -> {
      try {
        while (System.in.read() >= 0) {}
      } catch (java.io.IOException closed) {
        // The pipe is gone: so is the parent.
      }
      Runtime.getRuntime().halt(143);
    }, "watchdog");
    watchdog.setDaemon(true);
    watchdog.start();
  }
}
