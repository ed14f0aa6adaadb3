"""The host's side of luna_lambda_tools: no promise of backward compatibility, not for lambdas."""
