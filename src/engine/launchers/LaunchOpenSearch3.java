// Starts a bare OpenSearch 3.x node from Maven Central's jars: java LaunchOpenSearch3.java HOME CONFIG KEY=VALUE...
// Halts as soon as its standard input ends, so that a parent that was killed leaves no server behind.
// opensearch-project/OpenSearch: server/src/main/java/org/opensearch/bootstrap/Bootstrap.java @ 3.3.0
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.common.logging.LogConfigurator;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.plugins.PluginInfo;

public class LaunchOpenSearch3 extends Node {
  private LaunchOpenSearch3(Environment environment) {
    super(environment, List.of(transport(), repositoryS3()), false);
  }

  private static PluginInfo transport() {
    return new PluginInfo("transport-netty4", "HTTP and transport", Version.CURRENT.toString(), Version.CURRENT, "21",
        "org.opensearch.transport.Netty4ModulePlugin", null, List.of(), false);
  }

  private static PluginInfo repositoryS3() {
    return new PluginInfo("repository-s3", "Repositories in S3", Version.CURRENT.toString(), Version.CURRENT, "21",
        "org.opensearch.repositories.s3.S3RepositoryPlugin", null, List.of(), false);
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
    new LaunchOpenSearch3(environment).start();
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
