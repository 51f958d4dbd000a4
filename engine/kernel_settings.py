"""The settings of DuckDB itself, which statements do not change: they belong to kernels that sessions share."""

from collections.abc import Mapping
from types import MappingProxyType

INSTEAD: Mapping[str, str] = MappingProxyType(
    {
        "memory_limit": "connect(memory=...) and shoal executor --memory give memory to kernels",
        "max_memory": "connect(memory=...) and shoal executor --memory give memory to kernels",
        "threads": "connect(threads=...) and shoal executor --threads give threads to kernels",
        "worker_threads": "connect(threads=...) and shoal executor --threads give threads to kernels",
        "default_collation": "write COLLATE where it is meant",
        "default_null_order": "write NULLS FIRST or NULLS LAST where it is meant",
        "null_order": "write NULLS FIRST or NULLS LAST where it is meant",
        "default_order": "write ASC or DESC where it is meant",
        "max_execution_time": "SET timeout limits the time of a query",
        "search_path": "USE chooses a schema",
        "schema": "USE chooses a schema",
        "explain_output": "EXPLAIN (FRAGMENTS), EXPLAIN (FORMAT json) and EXPLAIN ANALYZE show more",
        "enable_profiling": "EXPLAIN ANALYZE shows what a query costs",
        "disabled_optimizers": "SET disabled_rules leaves out rules of the planner",
    }
)
"""What does what a setting of DuckDB would do."""

KERNEL_SETTINGS = frozenset(
    """access_mode active_grammar_extensions allocator_background_threads allocator_bulk_deallocation_flush_threshold
    allocator_flush_threshold allow_community_extensions allow_extension_repositories
    allow_extensions_metadata_mismatch allow_parser_override_extension allow_persistent_secrets
    allow_unredacted_secrets allow_unsigned_extensions allowed_configs allowed_directories allowed_paths
    approximate_join_order_threshold arrow_large_buffer_size arrow_lossless_conversion arrow_output_list_view
    arrow_output_version asof_loop_join_threshold async_threads auto_checkpoint_skip_wal_threshold
    autoinstall_extension_repository autoinstall_known_extensions autoload_known_extensions binary_as_string
    block_allocator_memory cache_local_files calendar catalog_error_max_schemas checkpoint_on_detach
    checkpoint_threshold current_dialect current_transaction_invalidation_policy custom_extension_repository
    custom_user_agent debug_checkpoint_scan_sleep_ms default_block_size default_collation default_null_order
    default_order default_secret_storage default_transaction_invalidation_policy delim_join_as_cte
    dialect_compatibility_mode disable_database_invalidation disable_parquet_prefetching disable_timestamptz_casts
    disabled_compression_methods disabled_filesystems disabled_log_types disabled_optimizers duckdb_api
    dynamic_or_filter_threshold enable_external_access enable_external_file_cache enable_fsst_vectors
    enable_geoparquet_conversion enable_http_metadata_cache enable_logging enable_macro_dependencies
    enable_optimistic_write enable_optimizer enable_profiling enable_progress_bar enable_progress_bar_print
    enable_view_dependencies enabled_log_types error_on_division_by_zero errors_as_json experimental_metadata_reuse
    explain_output extension_directories extension_directory extension_repository_directory
    external_file_cache_local_max_block_size external_file_cache_remote_max_block_size
    external_file_cache_remote_min_block_size external_file_cache_request_sizing external_file_cache_spill
    external_threads file_search_path force_column_metadata_reuse force_compression fsync_mode
    geometry_minimum_shredding_size home_directory http_client_pool_capacity http_proxy http_proxy_password
    http_proxy_username ieee_floating_point_ops ignore_unknown_crs immediate_transaction_mode index_scan_max_count
    index_scan_percentage initial_column_segment_size integer_division json_geometry_format
    late_materialization_max_rows legacy_disable_null_type lock_configuration log_query_path logging_level
    logging_mode logging_storage max_execution_time max_expression_depth max_memory max_streaming_buffer_size
    max_temp_directory_size max_vacuum_tasks memory_limit merge_join_threshold nested_loop_join_threshold null_order
    operator_memory_limit order_by_non_integer_literal ordered_aggregate_threshold pandas_analyze_sample
    parquet_metadata_cache parquet_prefetch_column_gap partitioned_write_flush_threshold
    partitioned_write_max_open_files password perfect_ht_threshold pin_threads pivot_filter_threshold pivot_limit
    prefer_range_joins prefetch_all_parquet_files preserve_identifier_case preserve_insertion_order profile_output
    profiling_coverage profiling_mode profiling_output profiling_renderer_settings progress_bar_time
    python_enable_replacements python_scan_all_frames read_ahead_depth redact_http_logs regex_match_operator_semantics
    scalar_subquery_error_on_multiple_rows scheduler_process_partial schema search_path secret_directory
    show_behavior standard_vector_size storage_block_prefetch storage_compatibility_version streaming_buffer_size
    table_function_identifier_conversion temp_directory temp_file_encryption threads tracked_metrics user username
    validate_external_file_cache variant_minimum_shredding_size wal_autocheckpoint wal_autocheckpoint_entries
    warnings_as_errors worker_threads write_buffer_row_group_count write_buffer_row_group_memory_limit
    zstd_min_string_length""".split()
)
"""Their names in DuckDB 2.0, but for those that Shoal has itself; a test compares them with the kernel's."""
