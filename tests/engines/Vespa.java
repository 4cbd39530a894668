// Parses each line of stdin as the body of a query request with Vespa's own YQL parser.

import com.fasterxml.jackson.databind.ObjectMapper;
import com.yahoo.language.simple.SimpleLinguistics;
import com.yahoo.search.Query;
import com.yahoo.search.query.parser.Parsable;
import com.yahoo.search.query.parser.ParserEnvironment;
import com.yahoo.search.yql.YqlParser;

class Vespa {
  public static void main(String[] args) throws Exception {
    var json = new ObjectMapper();
    var linguistics = new SimpleLinguistics();
    Lines.answer(
        line -> {
          var request = json.readTree(line);
          var query = new Query();
          if (request.has("q")) {
            query.properties().set("q", request.get("q").asText());
          }
          var parser = new YqlParser(new ParserEnvironment().setLinguistics(linguistics));
          parser.setUserQuery(query);
          return parser.parse(new Parsable().setQuery(request.get("yql").asText())).toString();
        });
  }
}
