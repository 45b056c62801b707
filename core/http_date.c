/* to be written */
typedef int http_date_c_is_empty;
