/* report/assets.h: files that are part of each page; embed.py compiles them in.
 *
 * Constant text; any thread.
 */
#ifndef NEAP_REPORT_ASSETS_H
#define NEAP_REPORT_ASSETS_H

extern const char neap__asset_page_css[];
extern const char neap__asset_page_js[];
extern const char neap__asset_dygraph_css[];
extern const char neap__asset_dygraph_js[];
extern const char neap__asset_range_view_css[];
extern const char neap__asset_range_view_js[];
extern const char neap__asset_dygraph_licence[]; /* must be kept with the library */

#endif
