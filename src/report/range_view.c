/* report/range_view.c: writes the figure and its script. */
#include "report/range_view.h"

#include <neap/error.h>

#include "report/assets.h"
#include "report/json.h"

int neap_range_view(FILE *out, json_t *data, int (*fallback)(const void *context, FILE *out),
                    const void *context) {
    fprintf(out, "<style>\n%s</style>\n", neap__asset_range_view_css);
    fputs("<figure class=\"ranges\">\n<div class=\"bar\"><button type=\"button\" class=\"all\">All</button>"
          "<button type=\"button\" class=\"out\">Zoom out</button><span class=\"where\"></span></div>\n"
          "<pre class=\"at\" aria-live=\"polite\"></pre>\n<canvas></canvas>\n<div class=\"legend\"></div>\n",
          out);
    int error = data ? neap_json_script(out, data) : NEAP_ERROR_MEMORY;
    json_decref(data);
    fputs("<noscript>\n", out);
    if (error == NEAP_OK)
        error = fallback(context, out);
    fprintf(out, "</noscript>\n</figure>\n<script>\n%s</script>\n", neap__asset_range_view_js);
    return error;
}

void neap_page_end_plain(FILE *out) {
    fprintf(out, "</main>\n<script>\n%s</script>\n</body>\n</html>\n", neap__asset_page_js);
}
