// Parses each line of stdin as the body of a search request with Elasticsearch's own parser.

import java.util.List;
import org.elasticsearch.common.settings.Settings;
import org.elasticsearch.search.SearchModule;
import org.elasticsearch.search.builder.SearchSourceBuilder;
import org.elasticsearch.xcontent.NamedXContentRegistry;
import org.elasticsearch.xcontent.XContentParserConfiguration;
import org.elasticsearch.xcontent.XContentType;

class Elasticsearch {
  public static void main(String[] args) throws Exception {
    var module = new SearchModule(Settings.EMPTY, List.of());
    var registry = new NamedXContentRegistry(module.getNamedXContents());
    var config = XContentParserConfiguration.EMPTY.withRegistry(registry);
    Lines.answer(
        line -> {
          try (var parser = XContentType.JSON.xContent().createParser(config, line)) {
            return new SearchSourceBuilder().parseXContent(parser, true, feature -> true).toString();
          }
        });
  }
}
