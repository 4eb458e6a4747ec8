// Starts a bare Elasticsearch 8.x or 9.x node from Maven Central's jars: java LaunchElasticsearch8And9.java HOME KEY=VALUE...
// Halts as soon as its standard input ends, so that a parent that was killed leaves no server behind.
// elastic/elasticsearch: server/src/main/java/org/elasticsearch/bootstrap/Elasticsearch.java @ 9.5.3
import java.lang.reflect.Method;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.elasticsearch.common.logging.LogConfigurator;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.node.InternalSettingsPreparer;
import org.elasticsearch.node.Node;
import org.elasticsearch.plugins.PluginsLoader;

public class LaunchElasticsearch8And9 {
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
    LogConfigurator.configureESLogging();
    Path home = Path.of(args[0]);
    Path config = Path.of(args[1]);
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("path.home", home.toString());
    for (int i = 2; i < args.length; i++) {
      int equals = args[i].indexOf('=');
      settings.put(args[i].substring(0, equals), args[i].substring(equals + 1));
    }
    String name = settings.getOrDefault("node.name", "snapproof");
    var environment = InternalSettingsPreparer.prepareEnvironment(Settings.EMPTY, settings, config, () -> name);
    LogConfigurator.registerErrorListener();
    LogConfigurator.setNodeName(name);
    LogConfigurator.configure(environment, true);
    var loader = PluginsLoader.createPluginsLoader(
        bundles("loadModulesBundles", environment.modulesDir()),
        bundles("loadPluginsBundles", environment.pluginsDir()),
        Map.of());
    new Node(environment, loader).start();
  }

  /** 8.19 and 9.2 take a path; 9.5 a path and a flag. */
  @SuppressWarnings("unchecked")
  private static <T> Set<T> bundles(String method, Path folder) throws Exception {
    for (Method candidate : PluginsLoader.class.getMethods()) {
      if (!candidate.getName().equals(method)) continue;
      Class<?>[] types = candidate.getParameterTypes();
      if (types.length == 1 && types[0] == Path.class) return (Set<T>) candidate.invoke(null, folder);
      if (types.length == 2 && types[0] == Path.class && types[1] == boolean.class) {
        return (Set<T>) candidate.invoke(null, folder, false);
      }
    }
    throw new NoSuchMethodException("PluginsLoader." + method + ": this version's signature is not known");
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
