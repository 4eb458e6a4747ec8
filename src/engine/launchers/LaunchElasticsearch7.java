// Starts a bare Elasticsearch 7.17 node from Maven Central's jars: java LaunchElasticsearch7.java HOME CONFIG KEY=VALUE...
// Halts as soon as its standard input ends, so that a parent that was killed leaves no server behind.
// elastic/elasticsearch: server/src/main/java/org/elasticsearch/bootstrap/Bootstrap.java @ 7.17.28
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.env.Environment;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;

public class LaunchElasticsearch7 extends Node {
  private LaunchElasticsearch7(Environment environment) {
    super(environment, List.of(org.elasticsearch.transport.Netty4Plugin.class), false);
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
    new LaunchElasticsearch7(environment).start();
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
