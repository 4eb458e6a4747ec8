#!/bin/bash
# Stands in for bin/elasticsearch of the official image: takes the same environment and the same -E settings, and starts
# the server as a child of its own, as the real one does.
home=/usr/share/elasticsearch
settings=()
for argument in "$@"; do settings+=("${argument#-E}"); done
# The launcher ends with its input; the real server does not look at it.
tail -f /dev/null | "$home/jdk/bin/java" $ES_JAVA_OPTS -Djava.io.tmpdir="$ES_TMPDIR" --module-path "$home/lib" \
  --add-modules=ALL-MODULE-PATH,jdk.incubator.vector,jdk.net \
  --enable-native-access=ALL-UNNAMED,org.elasticsearch.nativeaccess,org.apache.lucene.core \
  -Des.path.home="$home" "$home/launcher/LaunchElasticsearch8And9.java" "$home" "$ES_PATH_CONF" "${settings[@]}"
