"""DashScope (Aliyun Model Studio): qwen writes and judges, wanx makes pictures and video."""
