/* to be written */
typedef int conn_c_is_empty;
