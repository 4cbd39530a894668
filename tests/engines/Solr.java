// Runs each line of stdin as a JSON request on an embedded Solr, and prints the ids it finds and
// the query that Solr made of it. The first argument is the home of the cores, the second the
// documents, one a line.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.stream.Collectors;
import com.fasterxml.jackson.databind.ObjectMapper;
import org.apache.solr.client.solrj.SolrQuery;
import org.apache.solr.client.solrj.embedded.EmbeddedSolrServer;
import org.apache.solr.common.SolrInputDocument;

class Solr {
  public static void main(String[] args) throws Exception {
    var json = new ObjectMapper();
    try (var server = new EmbeddedSolrServer(Path.of(args[0]), "products")) {
      for (String line : Files.readAllLines(Path.of(args[1]))) {
        var document = new SolrInputDocument();
        ((Map<?, ?>) json.readValue(line, Map.class))
            .forEach((name, value) -> document.addField((String) name, value));
        server.add(document);
      }
      server.commit();
      Lines.answer(
          line -> {
            var query = new SolrQuery();
            query.set("json", line).set("debug", "query").set("rows", "100");
            var response = server.query(query);
            var ids =
                response.getResults().stream()
                    .map(found -> (String) found.getFieldValue("id"))
                    .collect(Collectors.joining(","));
            return ids + "\t" + response.getDebugMap().get("parsedquery_toString");
          });
      System.out.flush();
    }
    System.exit(0);
  }
}
